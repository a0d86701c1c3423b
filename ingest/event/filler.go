package event

import (
	"bytes"
)

// What stands between rows and is none: a byte-order mark where files were put behind each other, and zero bytes where
// a machine went down while the log was written.

const byteOrderMark = "\xef\xbb\xbf"

// PlainBegin tells that a row begins with neither; a row's end is looked at where it begins so.
func PlainBegin(line []byte) bool {
	return len(line) > 0 && line[0] != 0 && line[0] != byteOrderMark[0] && line[len(line)-1] != 0
}

// WithoutFiller returns the row without what stands before and behind it.
func WithoutFiller(line []byte) []byte {
	for {
		rest := bytes.TrimPrefix(bytes.TrimLeft(line, "\x00"), []byte(byteOrderMark))
		if len(rest) == len(line) {
			return bytes.TrimRight(line, "\x00")
		}
		line = rest
	}
}

const (
	// ConvertCR says what to do with a file whose rows end in CR alone.
	ConvertCR = `convert them to LF first: tr '\r' '\n' < FILE`
	// OnlyCR refuses such a file.
	OnlyCR = "its line ends are CR alone, as of an old Mac; " + ConvertCR
)

// trimBlanks returns the row without blanks and zero bytes around it.
func trimBlanks(line []byte) []byte { return bytes.Trim(line, " \t\r\n\x00") }
