package jsonl

import (
	"bytes"

	"github.com/creditmill/creditmill/ingest/jsontext"
)

// Container runtimes (CRI) write each line of a program as "2026-10-01T00:00:00.1Z stdout F line", and a long one in
// parts of which all but the last have P for F; exports of CloudWatch have the time alone before the line.

// lineParts joins the parts of lines. Those of stdout and stderr may stand among each other.
type lineParts struct{ parts [2][]byte }

// unwrap takes away what stands before a line. whole is false for a part that others follow. A line that has no such
// beginning stays as it is.
func (p *lineParts) unwrap(line []byte) (inner []byte, whole bool) {
	inner, stream, part := cutPrefix(line)
	if stream < 0 {
		return inner, true
	}
	joined := &p.parts[stream]
	if part {
		*joined = append(*joined, inner...)
		return nil, false
	}
	if len(*joined) > 0 {
		inner = append(*joined, inner...)
		*joined = nil // the row belongs to whoever decodes it
	}
	return inner, true
}

// rest hands out what no last part came for.
func (p *lineParts) rest(reject func([]byte)) {
	for stream, part := range p.parts {
		if len(part) > 0 {
			reject(part)
			p.parts[stream] = nil
		}
	}
}

// cutPrefix returns the line behind a runtime's or CloudWatch's beginning. stream is 0 for stdout, 1 for stderr, and -1
// where parts are not known.
func cutPrefix(line []byte) (inner []byte, stream int, part bool) {
	blank := bytes.IndexByte(line[:min(len(line), len("2006-01-02T15:04:05.999999999+00:00")+1)], ' ')
	if blank < len("2006-01-02T15:04:05Z") || line[4] != '-' || line[10] != 'T' || line[13] != ':' {
		return line, -1, false
	}
	rest := line[blank+1:]
	if len(rest) > 0 && rest[0] == '{' {
		return rest, -1, false
	}
	for stream, name := range []string{"stdout ", "stderr "} {
		tagged, ok := bytes.CutPrefix(rest, []byte(name))
		if !ok || len(tagged) < 1 || (tagged[0] != 'F' && tagged[0] != 'P') {
			continue
		}
		tags, inner, _ := bytes.Cut(tagged, []byte(" "))
		if len(tags) == 1 || tags[1] == ':' {
			return inner, stream, tags[0] == 'P'
		}
	}
	return line, -1, false
}

// IsWrapped tells that a text's first line has a runtime's beginning.
func IsWrapped(data []byte) bool {
	line, _, _ := bytes.Cut(data[jsontext.SkipBlanks(data, 0):], []byte("\n"))
	inner, _, _ := cutPrefix(line)
	return len(inner) < len(line)
}

// wholeParts returns how many bytes of some lines end with no part that others follow. Where that is never so, it is
// all of them.
func wholeParts(lines []byte) int {
	if first := jsontext.SkipBlanks(lines, 0); first == len(lines) || lines[first]-'0' > 9 {
		return len(lines)
	}
	var open [2]bool
	clean, at := 0, 0
	for at < len(lines) {
		end := at + bytes.IndexByte(lines[at:], '\n') + 1
		if _, stream, part := cutPrefix(lines[at:end]); stream >= 0 {
			open[stream] = part
		}
		at = end
		if open == [2]bool{} {
			clean = at
		}
	}
	if clean == 0 {
		return len(lines)
	}
	return clean
}
