package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/creditmill/creditmill/ingest/columnar"
)

// Magic is what a Parquet file begins and ends with.
const Magic = "PAR1"

// maxFooterBytes bounds a Parquet file's footer: thousands of row groups of hundreds of columns need less.
const maxFooterBytes = 64 << 20

// Reader reads the columns of a Parquet file that were asked for, row group by row group, page by page.
//
// Footer, levels and pages are decoded here. Version 15 of Arrow's library refuses what it does not know, loops forever
// on some damaged pages, unpacks pages without a bound and lacks LZ4_RAW, and its hidden goroutines turn a bad file
// into a crash.
type Reader struct {
	file     io.ReaderAt
	size     int64
	footer   *fileFooter
	leaves   int
	columns  []columnReader
	unpacker unpacker
	group    int   // the row group under way, from 1
	left     int64 // rows of it that are not read
	most     int64 // rows of it that are read at once
	rows     int64 // read of the file
	batches  *columnar.Pool
}

// columnReader is one column as it was asked for, made of one or more leaves.
type columnReader interface {
	// open goes on to a row group.
	open(group *groupReader) error
	// read reads the next rows into the vector, whose memory it uses.
	read(rows int, to *columnar.Vector) error
}

var errNotParquet = errors.New("is not a whole Parquet file: the end of it is missing")

// Open reads the footer and finds the columns; found tells which of the names searched for are there, and a batch has
// their vectors.
func Open(file io.ReaderAt, size int64, search columnar.Search) (_ *Reader, found []bool, err error) {
	defer columnar.RecoverDamage(&err)
	stored, err := readFooter(file, size)
	if err != nil {
		return nil, nil, err
	}
	r := &Reader{file: file, size: size}
	r.footer, err = parseFooter(stored, func(schema []schemaElement) (leaves []*leaf, err error) {
		found, leaves, err = r.find(schema, search)
		return leaves, err
	})
	if err != nil {
		return nil, nil, err
	}
	r.batches = columnar.NewPool(len(r.columns))
	rows := int64(0)
	for _, group := range r.footer.groups {
		if group.rows < 0 || group.rows > r.footer.rows {
			return nil, nil, fmt.Errorf("read Parquet footer: %w", errThrift)
		}
		rows += group.rows
	}
	if rows != r.footer.rows {
		return nil, nil, fmt.Errorf("the footer counts %d rows, its row groups have %d", r.footer.rows, rows)
	}
	if err := oneParquet(io.NewSectionReader(file, 0, size-int64(len(stored))), r.footer.end); err != nil {
		return nil, nil, err
	}
	return r, found, nil
}

// find finds the columns in the schema.
func (r *Reader) find(schema []schemaElement, search columnar.Search) (found []bool, leaves []*leaf, err error) {
	root, leaves, err := buildTree(schema)
	if err != nil {
		return nil, nil, fmt.Errorf("read Parquet footer: %w", err)
	}
	r.leaves = len(leaves)
	names, err := search(root.names())
	if err != nil {
		return nil, nil, err
	}
	found = make([]bool, len(names))
	for i, name := range names {
		column, err := root.find(name.Path, name.Text, &r.unpacker)
		if err != nil {
			return nil, nil, fmt.Errorf("column %s: %w", name.Text, err)
		}
		found[i] = column != nil
		if found[i] {
			r.columns = append(r.columns, column)
		}
	}
	return found, leaves, nil
}

var errEncrypted = errors.New("encrypted files are not supported: decrypt it first")

func readFooter(file io.ReaderAt, size int64) ([]byte, error) {
	const tail = 8 // length and magic
	if size < 2*tail-4 {
		return nil, errNotParquet
	}
	end := make([]byte, tail)
	if _, err := file.ReadAt(end, size-tail); err != nil {
		return nil, fmt.Errorf("read Parquet footer: %w", err)
	}
	switch string(end[4:]) {
	case Magic:
	case "PARE":
		return nil, errEncrypted
	default:
		return nil, errNotParquet
	}
	length := int64(binary.LittleEndian.Uint32(end))
	if length > maxFooterBytes {
		return nil, fmt.Errorf("the Parquet footer has %d bytes, at most %d are allowed", length, int64(maxFooterBytes))
	}
	if length > size-tail-4 {
		return nil, errNotParquet
	}
	footer := make([]byte, length)
	if _, err := file.ReadAt(footer, size-tail-length); err != nil {
		return nil, fmt.Errorf("read Parquet footer: %w", err)
	}
	return footer, nil
}

// oneParquet refuses files that were put behind each other. The last one's footer counts from its own beginning, so it
// would be read as if it lay in the first; the border of two then lies behind the values that it speaks of.
func oneParquet(file *io.SectionReader, end int64) error {
	if _, err := file.Seek(max(0, min(end, file.Size())), io.SeekStart); err != nil {
		return fmt.Errorf("read Parquet file: %w", err)
	}
	const border = Magic + Magic
	window := make([]byte, 0, 64<<10)
	for {
		n, err := file.Read(window[len(window):cap(window)])
		window = window[:len(window)+n]
		if bytes.Contains(window, []byte(border)) {
			return columnar.ErrSeveralFiles
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read Parquet file: %w", err)
		}
		window = append(window[:0], window[max(0, len(window)-len(border)+1):]...)
	}
}

// groupReader is a row group.
type groupReader struct {
	reader *Reader
	rowGroup
	bytes int64 // of the chunks that were opened, as they are unpacked
}

// openChunk sets the reader on its column's chunk.
func (g *groupReader) openChunk(c *chunkReader) error {
	chunk := g.chunks[c.index]
	if chunk.encrypted {
		return errEncrypted
	}
	if chunk.elsewhere {
		return errors.New("its values are in another file, which is not supported")
	}
	start, size := chunk.begin(), chunk.size
	if start < 4 || size < 0 || start > g.reader.size || size > g.reader.size-start {
		return errThrift
	}
	g.bytes += max(chunk.unpacked, 0)
	c.open(g.reader.file, start, size, chunk.codec)
	return nil
}

// Next returns the next rows of the row group under way, or of the one behind it; io.EOF after the last one.
func (r *Reader) Next() (batch *columnar.Batch, err error) {
	defer columnar.RecoverDamage(&err)
	for r.left == 0 {
		if r.group == len(r.footer.groups) {
			return nil, io.EOF
		}
		r.group++
		if err := r.openGroup(); err != nil {
			return nil, fmt.Errorf("row group %d: %w", r.group, err)
		}
	}
	batch = r.batches.Take()
	left, most := r.left, r.most
	err = r.read(batch)
	for errors.Is(err, columnar.ErrWide) && most > 1 {
		most = max(1, most/columnar.FewerRows)
		err = r.again(batch, left, most)
	}
	if err != nil {
		return nil, fmt.Errorf("row group %d: %w", r.group, err)
	}
	r.rows += int64(batch.Rows)
	return batch, nil
}

// read reads the next rows of the row group.
func (r *Reader) read(batch *columnar.Batch) error {
	batch.Rows = int(min(r.left, r.most))
	for i, column := range r.columns {
		if err := column.read(batch.Rows, &batch.Vectors[i]); err != nil {
			return err
		}
	}
	r.left -= int64(batch.Rows)
	return nil
}

// again reads the row group from its beginning, at most so many rows at once, to the next rows where so many are left.
func (r *Reader) again(batch *columnar.Batch, left, most int64) error {
	if err := r.openGroup(); err != nil {
		return err
	}
	for r.left > left {
		r.most = min(most, r.left-left)
		if err := r.read(batch); err != nil {
			return err
		}
	}
	r.most = most
	return r.read(batch)
}

func (r *Reader) openGroup() error {
	group := &groupReader{reader: r, rowGroup: r.footer.groups[r.group-1]}
	if group.columns != r.leaves {
		return fmt.Errorf("it has %d columns, the schema has %d", group.columns, r.leaves)
	}
	r.left = group.rows
	if r.left == 0 {
		return nil
	}
	for _, column := range r.columns {
		if err := column.open(group); err != nil {
			return err
		}
	}
	r.most = columnar.RowsAtOnce(r.left, group.bytes)
	return nil
}

// Share is how much of the file's rows was read, from 0 to 1.
func (r *Reader) Share() float64 { return float64(r.rows) / float64(r.footer.rows) }

// Close gives the memory for unpacking back.
func (r *Reader) Close() error {
	r.unpacker.close()
	return nil
}
