package event

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// SourceOfFile is the source with the values that hold for the whole file of a name: those of the name, and times that
// the source gives. It is an error if the name has no value for a field that has no other.
func SourceOfFile(source schemas.Source, name string) (schemas.Source, error) {
	f := &source.Fields
	for _, field := range []struct {
		name string
		*schemas.Field
	}{
		{"occurred_at", &f.OccurredAt}, {"customer_id", &f.CustomerID}, {"model", &f.Model}, {"feature", &f.Feature},
	} {
		settled, err := settle(*field.Field, field.name == "occurred_at", name)
		if err != nil {
			return source, fmt.Errorf("source %s: %s %w", source.ID, field.name, err)
		}
		*field.Field = settled
	}
	f.Dimensions = slices.Clone(f.Dimensions)
	for i := range f.Dimensions {
		of := &f.Dimensions[i]
		settled, err := settle(of.Field, false, name)
		if err != nil {
			return source, fmt.Errorf("source %s: %s %w", source.ID, schemas.DimensionColumn(of.Name), err)
		}
		of.Field = settled
	}
	return source, nil
}

// settle makes constants of what the file's name says and of times.
func settle(field schemas.Field, isTime bool, name string) (_ schemas.Field, err error) {
	field.Or = slices.Clone(field.Or)
	for i := range field.Or {
		if field.Or[i], err = settle(field.Or[i], isTime, name); err != nil {
			return field, err
		}
	}
	if field.After != nil {
		after, err := settle(*field.After, true, name)
		if err != nil {
			return field, err
		}
		field.After = &after
	}
	switch field.Kind {
	case schemas.FieldFile, schemas.FieldHive:
		var value string
		if value, err = ofFileName(&field, name); err != nil {
			return field, err
		}
		if to, ok := field.Replace[value]; ok {
			value = to
		}
		if problem := schemas.NameProblem([]byte(value)); problem != "" || len(value) > maxNameBytes {
			return field, fmt.Errorf("is %q by the file's name, which is no name: %s", value, problem)
		}
		field.Const = value
	case schemas.FieldConst:
	default:
		return field, nil
	}
	if field.Kind = schemas.FieldConst; isTime {
		var instant int64
		if instant, err = constantTime(&field); err != nil {
			return field, err
		}
		field.Const = time.Unix(0, instant).UTC().Format(time.RFC3339Nano)
		field.Layout, field.Location = schemas.LayoutRFC3339, nil
	}
	return field, nil
}

// constantTime reads the time that a file's rows have in common: by its layout, else as a date, too, which is its
// midnight in the field's timezone, or in UTC.
func constantTime(field *schemas.Field) (instant int64, err error) {
	reason := ""
	if field.Layout != "" && field.Layout != schemas.LayoutRFC3339 {
		var day dayCache
		instant, reason = day.parse(Value{KindText, []byte(field.Const)}, field.Layout, field.Location)
	} else {
		location := field.Location
		if location == nil {
			location = time.UTC
		}
		at, err := schemas.ParseTime(field.Const, location)
		if err != nil {
			return 0, err
		}
		instant = at.UnixNano()
	}
	if reason == "" && (instant < firstInstant || instant >= endInstant) {
		reason = outsideTime + quote([]byte(field.Const))
	}
	if reason != "" {
		return 0, fmt.Errorf("by the file's name %s", reason)
	}
	return instant, nil
}

// hiveNull is what Hive names a folder whose rows have no value.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// ofFileName returns what the file's name has for a field.
func ofFileName(field *schemas.Field, name string) (string, error) {
	if name == "-" {
		return "", fmt.Errorf("is read from the file's name, and standard input has none: load a file")
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return "", fmt.Errorf("is read from the file's name: %w", err)
	}
	path = filepath.ToSlash(path)
	if field.Kind == schemas.FieldFile {
		base := path[strings.LastIndexByte(path, '/')+1:]
		if strings.Contains(field.Text, "/") {
			base = path
		}
		if found := regexp.MustCompile(field.Text).FindStringSubmatch(base); found != nil && found[1] != "" {
			return found[1], nil
		}
		return "", fmt.Errorf("is read from the file's name, which does not match %q", field.Text)
	}
	folders := strings.Split(path, "/")
	for i := len(folders) - 2; i >= 0; i-- {
		if value, ok := strings.CutPrefix(folders[i], field.Text+"="); ok && value != hiveNull {
			return url.PathUnescape(value)
		}
	}
	return "", fmt.Errorf("is read from the file's path, which has no folder %s=…", field.Text)
}
