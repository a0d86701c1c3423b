package objects

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// Location is where objects are: one, those below a prefix, or those that a pattern matches.
type Location struct {
	Bucket string
	// Path is a key, a prefix that ends in a slash, or a pattern; empty for all of the bucket.
	Path string
	// Region and Endpoint take the place of those of the environment where they are set.
	Region, Endpoint string
	// Anonymous sends no credentials.
	Anonymous bool
}

const scheme = "s3://"

// IsURL tells whether an argument names a place in object storage rather than a file.
func IsURL(text string) bool {
	before, _, found := strings.Cut(text, "://")
	return found && before != "" && !strings.ContainsAny(before, `/\.`)
}

// Parse reads s3://bucket/path with the options region, endpoint and anonymous behind a question mark. The path is
// taken as it is written: keys have letters that would be escaped in other URLs. A question mark in it is one of a
// pattern, unless options follow it.
func Parse(text string) (Location, error) {
	rest, found := strings.CutPrefix(text, scheme)
	if !found {
		before, _, _ := strings.Cut(text, "://")
		return Location{}, fmt.Errorf("%s:// is not read; object storage is named as s3://bucket/prefix/", before)
	}
	rest, options := cutOptions(rest)
	var l Location
	l.Bucket, l.Path, _ = strings.Cut(rest, "/")
	if l.Bucket == "" || strings.ContainsAny(l.Bucket, "@:?*[ ") {
		return Location{}, errors.New("want a bucket: s3://bucket/prefix/")
	}
	if _, err := path.Match(l.Path, ""); l.IsPattern() && err != nil {
		return Location{}, fmt.Errorf("read the pattern of %s: %w", l, err)
	}
	return l, l.set(options)
}

// cutOptions cuts what follows the last question mark, where it is an option.
func cutOptions(text string) (before, options string) {
	at := strings.LastIndexByte(text, '?')
	if at < 0 || !strings.Contains(text[at:], "=") {
		return text, ""
	}
	return text[:at], text[at+1:]
}

func (l *Location) set(options string) error {
	values, err := url.ParseQuery(options)
	if err != nil {
		return fmt.Errorf("read the options of %s: not name=value&name=value", l)
	}
	for name := range values {
		value := values.Get(name)
		switch name {
		case "region":
			l.Region = value
		case "endpoint":
			endpoint, err := url.Parse(value)
			if err != nil || endpoint.Host == "" || (endpoint.Scheme != "https" && endpoint.Scheme != "http") {
				return fmt.Errorf("read the options of %s: endpoint is no http:// or https:// address", l)
			}
			if endpoint.User != nil || endpoint.RawQuery != "" {
				return fmt.Errorf("read the options of %s: endpoint has more than an address; "+
					"credentials belong into the environment", l)
			}
			l.Endpoint = value
		case "anonymous":
			if l.Anonymous, err = strconv.ParseBool(value); err != nil {
				return fmt.Errorf("read the options of %s: anonymous is true or false", l)
			}
		default:
			return fmt.Errorf("read the options of %s: unknown option %q (known: region, endpoint, anonymous)", l, name)
		}
	}
	return nil
}

// IsPattern tells whether the path has wildcards.
func (l Location) IsPattern() bool { return strings.ContainsAny(l.Path, "*?[") }

// IsPrefix tells whether the path is that of a folder.
func (l Location) IsPrefix() bool { return l.Path == "" || strings.HasSuffix(l.Path, "/") }

// Prefix is what all keys of the location begin with.
func (l Location) Prefix() string {
	if at := strings.IndexAny(l.Path, "*?["); at >= 0 {
		return l.Path[:at]
	}
	return l.Path
}

// matches tells whether the location names a key. A pattern matches within folders, as those of files do.
func (l Location) matches(key string) bool {
	switch {
	case l.IsPattern():
		matched, _ := path.Match(l.Path, key) // Parse has looked
		return matched
	case l.IsPrefix():
		return !strings.HasSuffix(key, "/") // an empty object that some tools store for a folder
	}
	return key == l.Path
}

// URL names a key of the bucket, without any options.
func (l Location) URL(key string) string { return scheme + l.Bucket + "/" + key }

// String is the location without its options.
func (l Location) String() string { return l.URL(l.Path) }
