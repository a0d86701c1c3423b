package csv

import (
	"bytes"
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/creditmill/creditmill/schemas"
)

// delimiterOf tells the delimiter of a file: the one that the source declares, or that the file's first line names as
// Excel's sep=; does, or the tab that its name says, which is without what says how it is compressed. said tells that
// the source or the line does; taken are the bytes of such a line.
func delimiterOf(source schemas.Source, file string, data []byte) (delimiter byte, said bool, taken int, err error) {
	declared := source.CSV.Delimiter
	if declared >= utf8.RuneSelf {
		return 0, false, 0, fmt.Errorf("source %s: the CSV delimiter must be an ASCII character", source.ID)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	named := strings.Trim(strings.TrimRight(string(line), "\r"), `"`)
	if len(named) == len("sep=;") && strings.HasPrefix(strings.ToLower(named), "sep=") {
		delimiter, taken = named[4], min(len(line)+1, len(data))
		if declared != 0 && byte(declared) != delimiter {
			return 0, false, 0, fmt.Errorf("read CSV header: the first line says %s, and source %s declares the delimiter %q",
				named, source.ID, declared)
		}
		return delimiter, true, taken, nil
	}
	if declared != 0 {
		return byte(declared), true, 0, nil
	}
	switch strings.ToLower(path.Ext(file)) {
	case ".tsv", ".tab":
		return '\t', false, 0, nil
	}
	return ',', false, 0, nil
}

// likelyDelimiters are tried where nobody has said what a file is delimited by.
var likelyDelimiters = []byte{';', '\t', '|', ','}

// Note says what was found out about the file for a person to know; empty if nothing.
func (h *Header) Note() string {
	if h.Found == 0 {
		return ""
	}
	return fmt.Sprintf("the columns are found with %q as the delimiter, which nobody has declared", h.Found)
}

// otherDelimiter says what to do about a header that was cut at the wrong character; empty where it looks right.
func otherDelimiter(source schemas.Source, delimiter byte, names [][]byte) string {
	if len(names) != 1 {
		return ""
	}
	for _, other := range likelyDelimiters {
		if other == delimiter || bytes.IndexByte(names[0], other) < 0 {
			continue
		}
		declaration, extends := strconv.Quote(string(other)), "extends: "+source.ID
		if other == '\t' {
			declaration = "tab"
		}
		if source.Extends != "" || source.Format != "" {
			extends = "in source " + source.ID
		}
		return fmt.Sprintf("; the header is one column with %q in it, and %q was taken for the delimiter: declare "+
			"`delimiter: %s` with `format: csv` (%s)", other, delimiter, declaration, extends)
	}
	return ""
}
