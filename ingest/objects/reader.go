package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// ErrChanged is returned for an object that is no longer what was listed.
var ErrChanged = errors.New("object changed after it was listed")

// ErrArchived is returned for an object of an archive class that was not restored.
var ErrArchived = errors.New("object is in an archive; restore it, and load it again")

// errCut is a body that ended early.
var errCut = errors.New("the body ended early")

// Open reads the object from its beginning.
func (o Object) Open(ctx context.Context) (io.ReadCloser, error) {
	r := &reader{ctx: ctx, object: o}
	if err := r.request(); err != nil {
		return nil, err
	}
	return r, nil
}

// reader reads a body, and asks for what is left where it is cut short.
type reader struct {
	ctx    context.Context
	object Object
	body   io.ReadCloser
	read   uint64
	cuts   int // since the last byte that came
}

// request asks for the object from the byte on that is read next.
func (r *reader) request() error {
	o := r.object
	input := &s3.GetObjectInput{Bucket: aws.String(o.bucket.location.Bucket), Key: aws.String(o.Key)}
	if o.ETag != "" {
		input.IfMatch = aws.String(o.ETag)
	}
	if r.read > 0 {
		input.Range = aws.String(fmt.Sprintf("bytes=%d-", r.read))
	}
	output, err := o.bucket.client.GetObject(r.ctx, input)
	if isChanged(err) || isMissing(err) {
		return fmt.Errorf("read %s: %w; load it again", o.URL(), ErrChanged)
	}
	if isArchived(err) {
		return fmt.Errorf("read %s: %w", o.URL(), ErrArchived)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", o.URL(), plain(err))
	}
	r.body = output.Body
	if etag := aws.ToString(output.ETag); o.ETag != "" && etag != o.ETag { // some servers overlook If-Match
		return errors.Join(fmt.Errorf("read %s: %w; load it again", o.URL(), ErrChanged), r.Close())
	}
	from := fmt.Sprintf("bytes %d-", r.read)
	if r.read > 0 && !strings.HasPrefix(aws.ToString(output.ContentRange), from) {
		return errors.Join(fmt.Errorf("read %s: asked for what follows byte %d, got something else", o.URL(), r.read),
			r.Close())
	}
	return nil
}

// Read goes on where a body was cut short. It ends only behind the last byte of the object.
func (r *reader) Read(p []byte) (int, error) {
	for {
		if r.body == nil {
			if err := r.request(); err != nil {
				return 0, err
			}
		}
		n, err := r.body.Read(p)
		r.read += uint64(n)
		if r.read > r.object.Bytes {
			return 0, fmt.Errorf("read %s: %w: it is longer; load it again", r.object.URL(), ErrChanged)
		}
		whole := r.read == r.object.Bytes
		switch {
		case n > 0:
			r.cuts = 0
			if err == nil || whole {
				return n, nil
			}
		case err == nil:
			return 0, nil
		case whole && errors.Is(err, io.EOF):
			return 0, io.EOF
		case whole: // its checksum does not agree
			return 0, fmt.Errorf("read %s: %w", r.object.URL(), plain(err))
		}
		if err := r.again(err); err != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// again makes ready to ask for what is left, after a pause that grows while nothing comes.
func (r *reader) again(cause error) error {
	r.cuts++
	closing := r.Close()
	if errors.Is(cause, io.EOF) || errors.Is(cause, io.ErrUnexpectedEOF) {
		cause = errCut
	}
	if r.cuts >= attempts {
		return fmt.Errorf("read %s: byte %d of %d: %w", r.object.URL(), r.read, r.object.Bytes,
			errors.Join(plain(cause), closing))
	}
	if r.cuts == 1 {
		return r.ctx.Err()
	}
	select {
	case <-r.ctx.Done():
		return r.ctx.Err()
	case <-time.After(min(longestPause, 100*time.Millisecond<<r.cuts)):
		return nil
	}
}

// Close ends the reading.
func (r *reader) Close() error {
	if r.body == nil {
		return nil
	}
	body := r.body
	r.body = nil
	return body.Close()
}
