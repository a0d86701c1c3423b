package event

import (
	"bytes"

	"github.com/creditmill/creditmill/ingest/jsontext"
	"github.com/creditmill/creditmill/schemas"
)

// base is where the time is found that a field counts from.
type base struct {
	of   *schemas.Field
	from Target // 0 where it is the same for every row
}

// base lays out where a field's time begins.
func (l *layout) base(name string, field *schemas.Field) {
	if field.After == nil {
		return
	}
	b := base{of: field}
	if field.After.Kind == schemas.FieldPath {
		b.from = l.extra(name, field.After.Path, field.After.Text, nil)
	}
	l.bases = append(l.bases, b)
}

// after reads a time that is a count from another.
func (a *Assembler) after(field *schemas.Field, count Value, v *Values) (instant int64, reason string) {
	begin := Value{KindText, []byte(field.After.Const)}
	for _, b := range a.bases {
		if b.of == field && b.from > 0 {
			if begin = v.get(b.from); begin.empty() {
				return 0, "counts from " + field.After.Text + ", which is missing"
			}
		}
	}
	if instant, reason = a.day.parse(begin, field.After.Layout, field.After.Location); reason != "" {
		return 0, "counts from a time that " + reason
	}
	if instant < firstInstant || instant >= endInstant {
		return 0, "counts from a time " + outsideTime + quote(begin.Bytes)
	}
	text := bytes.TrimSpace(count.Bytes)
	end, ok := jsontext.ScanNumber(text, 0)
	if count.Kind > KindNumber || !ok || end != len(text) {
		return 0, "want a number, found " + quote(count.Bytes)
	}
	if count.Kind != KindNumber && maybeRounded(text) {
		return 0, quote(text) + rounded
	}
	nanos, flags := parseDecimal(text, field.Places)
	switch {
	case flags.negative && (nanos > 0 || flags.inexact || !flags.fits):
		return 0, "is negative: " + quote(text)
	case !flags.fits || nanos > uint64(endInstant):
		return 0, "is too large: " + quote(text)
	}
	return instant + int64(nanos), ""
}
