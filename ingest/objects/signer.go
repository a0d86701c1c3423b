package objects

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// acceptEncoding is sent, so that nobody packs a body on its way, and not signed: Google's servers change it before
// they look at the signature (aws-sdk-go-v2 issue 1816).
const acceptEncoding = "Accept-Encoding"

// signer leaves that header out of the signature.
type signer struct{ s3.HTTPSignerV4 }

func (s signer) SignHTTP(
	ctx context.Context, credentials aws.Credentials, r *http.Request, payloadHash, service, region string, at time.Time,
	options ...func(*v4.SignerOptions),
) error {
	sent := r.Header.Values(acceptEncoding)
	r.Header.Del(acceptEncoding)
	err := s.HTTPSignerV4.SignHTTP(ctx, credentials, r, payloadHash, service, region, at, options...)
	if len(sent) > 0 {
		r.Header[acceptEncoding] = sent
	}
	return err
}
