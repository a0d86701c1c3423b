package ingest

import "bytes"

// What stands between rows and is none: a byte-order mark where files were put behind each other, and zero bytes where
// a machine went down while the log was written.

const byteOrderMark = "\xef\xbb\xbf"

// plainBegin tells that a row begins with neither; a row's end is looked at where it begins so.
func plainBegin(line []byte) bool {
	return len(line) > 0 && line[0] != 0 && line[0] != byteOrderMark[0] && line[len(line)-1] != 0
}

// withoutFiller returns the row without what stands before and behind it.
func withoutFiller(line []byte) []byte {
	for {
		rest := bytes.TrimPrefix(bytes.TrimLeft(line, "\x00"), []byte(byteOrderMark))
		if len(rest) == len(line) {
			return bytes.TrimRight(line, "\x00")
		}
		line = rest
	}
}

const (
	convertCR = `convert them to LF first: tr '\r' '\n' < FILE`
	onlyCR    = "its line ends are CR alone, as of an old Mac; " + convertCR
)

// loneCR tells that a row of CSV holds a carriage return outside of quotes.
func loneCR(line []byte) bool {
	if bytes.IndexByte(line, '\r') < 0 {
		return false
	}
	quoted := false
	for _, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\r' && !quoted:
			return true
		}
	}
	return false
}

// rowsByCR tells that the first row of JSON ends in a carriage return alone, with another one behind it.
func rowsByCR(data []byte) bool {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	if bytes.IndexByte(line, '\r') < 0 {
		return false
	}
	line = withoutFiller(line)
	start := skipBlanks(line, 0)
	if start == len(line) || line[start] != '{' {
		return false
	}
	end, reason := skipValue(line, start)
	if reason != "" {
		return false
	}
	next := skipBlanks(line, end)
	return bytes.IndexByte(line[end:next], '\r') >= 0 && next < len(line) && line[next] == '{'
}

// trimBlanks returns the row without blanks and zero bytes around it.
func trimBlanks(line []byte) []byte { return bytes.Trim(line, " \t\r\n\x00") }
