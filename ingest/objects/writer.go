package objects

import (
	"context"
	"crypto/md5" //nolint:gosec // what the service compares a body with
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	// partBytes is how much is sent in one request. What is larger is sent in parts, which become an object at the end.
	partBytes = 64 << 20
	mostParts = 10_000
)

// Put stores an object below the location, of which size bytes are read. A request that the service does not take is
// sent again; what it holds is compared by it with what was sent. An object that is there is replaced. Where Put fails
// there is none: parts that were sent are taken back.
func (b *Bucket) Put(ctx context.Context, key string, body io.ReaderAt, size int64) error {
	put := b.putWhole
	if size > partBytes {
		put = b.putParts
	}
	if err := put(ctx, key, body, size); err != nil {
		return fmt.Errorf("write %s: %w", b.location.URL(key), plain(err))
	}
	return nil
}

func (b *Bucket) putWhole(ctx context.Context, key string, body io.ReaderAt, size int64) error {
	sum, err := md5Of(body, 0, size)
	if err != nil {
		return err
	}
	_, err = b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(b.location.Bucket), Key: aws.String(key), Body: io.NewSectionReader(body, 0, size),
		ContentLength: aws.Int64(size), ContentMD5: sum,
	})
	return err
}

func (b *Bucket) putParts(ctx context.Context, key string, body io.ReaderAt, size int64) error {
	bucket, each := aws.String(b.location.Bucket), max(partBytes, (size+mostParts-1)/mostParts)
	upload, err := b.client.CreateMultipartUpload(ctx,
		&s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String(key)})
	if err != nil {
		return err
	}
	var parts []types.CompletedPart
	for from := int64(0); from < size && err == nil; from += each {
		number, length := aws.Int32(int32(from/each+1)), min(each, size-from)
		var sum *string
		if sum, err = md5Of(body, from, length); err != nil {
			break
		}
		var sent *s3.UploadPartOutput
		sent, err = b.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: bucket, Key: aws.String(key), UploadId: upload.UploadId, PartNumber: number,
			Body: io.NewSectionReader(body, from, length), ContentLength: aws.Int64(length), ContentMD5: sum,
		})
		if err == nil {
			parts = append(parts, types.CompletedPart{ETag: sent.ETag, PartNumber: number})
		}
	}
	if err == nil {
		_, err = b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: bucket, Key: aws.String(key), UploadId: upload.UploadId,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
	}
	if err == nil {
		return nil
	}
	_, left := b.client.AbortMultipartUpload(context.WithoutCancel(ctx), &s3.AbortMultipartUploadInput{
		Bucket: bucket, Key: aws.String(key), UploadId: upload.UploadId,
	})
	if left != nil {
		return errors.Join(plain(err), fmt.Errorf("take back what was sent: %w", plain(left)))
	}
	return err
}

// md5Of is the sum of a section, as the service wants it.
func md5Of(body io.ReaderAt, from, length int64) (*string, error) {
	sum := md5.New() //nolint:gosec // what the service compares a body with
	n, err := io.Copy(sum, io.NewSectionReader(body, from, length))
	if err == nil && n != length {
		err = fmt.Errorf("it has %d bytes, want %d: %w", from+n, from+length, io.ErrUnexpectedEOF)
	}
	return aws.String(base64.StdEncoding.EncodeToString(sum.Sum(nil))), err
}
