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
// Excel's sep=; does, or the tab that its name says, which is without what says how it is compressed. taken are the
// bytes of such a first line.
func delimiterOf(source schemas.Source, file string, data []byte) (delimiter byte, taken int, err error) {
	declared := source.CSV.Delimiter
	if declared >= utf8.RuneSelf {
		return 0, 0, fmt.Errorf("source %s: the CSV delimiter must be an ASCII character", source.ID)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	named := strings.Trim(strings.TrimRight(string(line), "\r"), `"`)
	if len(named) == len("sep=;") && strings.HasPrefix(strings.ToLower(named), "sep=") {
		delimiter, taken = named[4], min(len(line)+1, len(data))
		if declared != 0 && byte(declared) != delimiter {
			return 0, 0, fmt.Errorf("read CSV header: the first line says %s, and source %s declares the delimiter %q",
				named, source.ID, declared)
		}
		return delimiter, taken, nil
	}
	if declared != 0 {
		return byte(declared), 0, nil
	}
	switch strings.ToLower(path.Ext(file)) {
	case ".tsv", ".tab":
		return '\t', 0, nil
	}
	return ',', 0, nil
}

// otherDelimiter says what to do about a header that was cut at the wrong character; empty where it looks right.
func otherDelimiter(source schemas.Source, delimiter byte, names [][]byte) string {
	if len(names) != 1 {
		return ""
	}
	for _, other := range []byte{';', '\t', '|', ','} {
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
