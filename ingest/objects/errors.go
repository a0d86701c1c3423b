package objects

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// plain keeps of an error what helps: the service's code and words, or why the connection failed. The addresses of
// requests are left out: they may be signed.
func plain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, errCut) {
		return err
	}
	var answer smithy.APIError
	if errors.As(err, &answer) && answer.ErrorCode() != "" {
		return fmt.Errorf("%s: %s", answer.ErrorCode(), wordsOf(answer))
	}
	if status := statusOf(err); status >= http.StatusBadRequest {
		return fmt.Errorf("the service answered %d %s", status, http.StatusText(status))
	}
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		return operation.Err
	}
	return err
}

// wordsOf is what a person can do about an answer, or what the service said.
func wordsOf(answer smithy.APIError) string {
	switch answer.ErrorCode() {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired":
		return "the credentials have expired; renew them and load again"
	case "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return "the credentials are not accepted"
	case "NoSuchBucket":
		return "there is no such bucket"
	}
	if answer.ErrorMessage() == "" {
		return "no reason was given"
	}
	return answer.ErrorMessage()
}

func statusOf(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

func isMissing(err error) bool {
	var answer smithy.APIError
	if errors.As(err, &answer) && answer.ErrorCode() == "NoSuchBucket" {
		return false
	}
	return statusOf(err) == http.StatusNotFound
}

func isArchived(err error) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && answer.ErrorCode() == "InvalidObjectState"
}

func isChanged(err error) bool { return statusOf(err) == http.StatusPreconditionFailed }
