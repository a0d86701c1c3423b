package schemas

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"unicode/utf8"
)

// CustomerMap turns a key of the log, such as an API key or a user's id, into a customer's id.
type CustomerMap struct {
	// File is the CSV file with the columns key and customer_id. A relative path in the config is relative to the config.
	File string
	// ByKey holds the customers' ids by key; nil until Read.
	ByKey map[string]string

	place Problem // where the config names the file
}

// mapColumns is the header of a map.
var mapColumns = []string{"key", "customer_id"}

const (
	maxMapBytes  = 256 << 20
	maxNameBytes = 256 // of keys and customer ids, as of every id of an event
)

func (r *sourceReader) customerMap(o *object) *CustomerMap {
	name := o.text("map", true)
	if name != "" && !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(r.file), name)
	}
	line, column := position(startToken(o.fields["map"].value))
	return &CustomerMap{File: name, place: Problem{File: r.file, Line: line, Column: column}}
}

// ReadMaps reads the customer maps of the source with the given function, such as os.ReadFile, and returns what is
// wrong with them. A map that several sources share, by extending one another, is read once.
func (s Source) ReadMaps(read func(name string) ([]byte, error)) Problems {
	var problems Problems
	for _, option := range s.Fields.CustomerID.Options() {
		if option.Map != nil && option.Map.ByKey == nil {
			problems = append(problems, option.Map.read(read)...)
		}
	}
	return problems
}

func (m *CustomerMap) read(read func(name string) ([]byte, error)) Problems {
	m.ByKey = map[string]string{}
	data, err := read(m.File)
	if err == nil && len(data) > maxMapBytes {
		err = fmt.Errorf("it has %d bytes, at most %d are read", len(data), maxMapBytes)
	}
	if err != nil {
		problem := m.place
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		problem.Message = fmt.Sprintf("read customer map %s: %v", m.File, err)
		return Problems{problem}
	}
	return m.parse(data)
}

// maxMapProblems is how many mistakes of one map are listed.
const maxMapProblems = 100

// parse fills the map. Keys may be secrets: no message holds one.
func (m *CustomerMap) parse(data []byte) Problems {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	rows := &mapReader{Reader: csv.NewReader(bytes.NewReader(data)), file: m.File}
	rows.FieldsPerRecord = -1
	rows.ReuseRecord = true
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return Problems{{File: m.File, Message: "the file is empty: its first row must be key,customer_id"}}
	}
	if err == nil && !slices.Equal(header, mapColumns) {
		rows.problem(0, "the first row must be key,customer_id")
		return rows.problems
	}
	lines := map[string]int{}
	for err == nil && len(rows.problems) < maxMapProblems {
		var row []string
		if row, err = rows.Read(); err == nil && rows.valid(row) {
			key := row[0]
			line, _ := rows.FieldPos(0)
			if first, twice := lines[key]; twice {
				rows.problem(0, "the key is repeated (first on line %d)", first)
				continue
			}
			lines[key] = line
			m.ByKey[key] = row[1]
		}
	}
	var broken *csv.ParseError
	if errors.As(err, &broken) {
		rows.problems = append(rows.problems,
			Problem{File: m.File, Line: broken.Line, Column: broken.Column, Message: broken.Err.Error()})
	}
	return rows.problems
}

// mapReader reads the rows of a map and collects what is wrong with them.
type mapReader struct {
	*csv.Reader
	file     string
	problems Problems
}

func (r *mapReader) problem(field int, format string, values ...any) {
	line, column := r.FieldPos(field)
	r.problems = append(r.problems,
		Problem{File: r.file, Line: line, Column: column, Message: fmt.Sprintf(format, values...)})
}

func (r *mapReader) valid(row []string) bool {
	if len(row) != len(mapColumns) {
		r.problem(0, "the row has %d fields, not 2: key,customer_id", len(row))
		return false
	}
	for i, text := range row {
		problem := NameProblem([]byte(text))
		switch {
		case text == "":
			r.problem(i, "the %s is empty", mapColumns[i])
		case !utf8.ValidString(text):
			r.problem(i, "the %s is not valid UTF-8", mapColumns[i])
		case problem != "" && i > 0: // a key that is no name matches none, and does no harm
			r.problem(i, "the %s %s", mapColumns[i], problem)
		case len(text) > maxNameBytes:
			r.problem(i, "the %s has %d bytes, at most %d are allowed", mapColumns[i], len(text), maxNameBytes)
		default:
			continue
		}
		return false
	}
	return true
}
