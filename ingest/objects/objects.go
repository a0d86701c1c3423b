package objects

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Bucket is the bucket of a location.
type Bucket struct {
	location Location
	client   *s3.Client
}

// Object is one object as it was listed. It is read with Open.
type Object struct {
	Key      string
	ETag     string
	Bytes    uint64
	Modified time.Time

	bucket *Bucket
}

// ErrNotFound is returned where a location names no object.
var ErrNotFound = errors.New("no such object")

const (
	attempts      = 5 // of a request that the service may answer another time
	longestPause  = 5 * time.Second
	defaultRegion = "us-east-1"
)

// Open prepares to read a location. Nothing is sent yet, but to where credentials come from.
func Open(ctx context.Context, location Location) (*Bucket, error) {
	options := []func(*config.LoadOptions) error{
		config.WithRetryMaxAttempts(attempts), config.WithDefaultRegion(defaultRegion),
	}
	if location.Region != "" {
		options = append(options, config.WithRegion(location.Region))
	}
	if location.Anonymous {
		options = append(options, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	found, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("find credentials for %s: %w", location, plain(err))
	}
	client := s3.NewFromConfig(found, func(o *s3.Options) {
		if location.Endpoint != "" {
			o.BaseEndpoint = aws.String(location.Endpoint)
		}
		o.HTTPSignerV4 = signer{o.HTTPSignerV4}
		o.UsePathStyle = o.BaseEndpoint != nil // servers of one's own have no name for each bucket
		o.DisableLogOutputChecksumValidationSkipped = true
		// Put gives a sum that every server knows; the newer ones, behind the body, some refuse.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	})
	return &Bucket{location: location, client: client}, nil
}

// List calls visit for each object of the location, in the order of keys.
func (b *Bucket) List(ctx context.Context, visit func(Object) error) error {
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{
		Bucket: aws.String(b.location.Bucket), Prefix: aws.String(b.location.Prefix()),
	})
	for last := ""; pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list %s: %w", b.location, plain(err))
		}
		for _, listed := range page.Contents {
			key := aws.ToString(listed.Key)
			if last != "" && key <= last {
				return fmt.Errorf("list %s: %q is listed behind %q; keys must ascend, or some may be missing",
					b.location, key, last)
			}
			last = key
			if !b.location.matches(key) {
				continue
			}
			object := Object{
				Key: key, ETag: aws.ToString(listed.ETag), Bytes: uint64(max(0, aws.ToInt64(listed.Size))),
				Modified: aws.ToTime(listed.LastModified), bucket: b,
			}
			if err := visit(object); err != nil {
				return err
			}
		}
	}
	return nil
}

// Find returns the one object that the location names.
func (b *Bucket) Find(ctx context.Context) (Object, error) {
	head, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: aws.String(b.location.Bucket), Key: aws.String(b.location.Path),
	})
	if isMissing(err) {
		return Object{}, fmt.Errorf("look for %s: %w; a prefix ends in a slash", b.location, ErrNotFound)
	}
	if err != nil {
		return Object{}, fmt.Errorf("look for %s: %w", b.location, plain(err))
	}
	return Object{
		Key: b.location.Path, ETag: aws.ToString(head.ETag), Bytes: uint64(max(0, aws.ToInt64(head.ContentLength))),
		Modified: aws.ToTime(head.LastModified), bucket: b,
	}, nil
}

// URL names the object, without credentials or options.
func (o Object) URL() string { return o.bucket.location.URL(o.Key) }

// Size is how many bytes are stored.
func (o Object) Size() uint64 { return o.Bytes }

// Version is the version that was listed, and when it was written.
func (o Object) Version() (etag string, modified time.Time) { return o.ETag, o.Modified }

// IsOwn tells whether an error is that of this object alone: it was written or removed after it was listed, or it is in
// an archive. Any other is likely to be that of all.
func (o Object) IsOwn(err error) bool {
	return errors.Is(err, ErrChanged) || errors.Is(err, ErrArchived)
}
