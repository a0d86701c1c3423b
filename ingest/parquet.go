package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	// batchRows is how many rows of a file of columns are decoded at once, and at most sent as one block. Measured: half
	// as many take 5 % more CPU, twice as many only more memory.
	batchRows = 1 << 16
	// batchBytes is what the values of a batch take about, where rows are wide.
	batchBytes = 8 << 20
	// maxBatchText bounds the texts of one column in a batch, however unevenly wide the rows are: one with more is read
	// again with fewer rows, to a fewerRows-th.
	maxBatchText = 64 << 20
	fewerRows    = 4
	// maxFooterBytes bounds a Parquet file's footer: thousands of row groups of hundreds of columns need less.
	maxFooterBytes = 64 << 20
	// maxSchemaDepth and maxSchemaColumns bound its schema.
	maxSchemaDepth   = 100
	maxSchemaColumns = 100_000
)

// parquetReader reads the columns of a Parquet file that a source looks for, row group by row group, page by page.
//
// Footer, levels and pages are decoded here. Version 15 of Arrow's library refuses what it does not know, loops forever
// on some damaged pages, unpacks pages without a bound and lacks LZ4_RAW, and its hidden goroutines turn a bad file
// into a crash.
type parquetReader struct {
	file     io.ReaderAt
	size     int64
	footer   *parquetFooter
	leaves   int
	columns  []parquetColumn
	unpacker unpacker
	group    int   // the row group under way, from 1
	left     int64 // rows of it that are not read
	most     int64 // rows of it that are read at once
	rows     int64 // read of the file
	batches  *batchPool
}

// parquetColumn is one column as a source looks for it, made of one or more leaves.
type parquetColumn interface {
	// open goes on to a row group.
	open(group *parquetGroup) error
	// read reads the next rows into the vector, whose memory it uses.
	read(rows int, to *vector) error
}

var errNotParquet = errors.New("is not a whole Parquet file: the end of it is missing")

// openParquet reads the footer and finds the columns; found tells which of the names are there, and a batch has their
// vectors.
func openParquet(file io.ReaderAt, size int64, names []columnName) (_ *parquetReader, found []bool, err error) {
	defer recoverDamage(&err)
	stored, err := readFooter(file, size)
	if err != nil {
		return nil, nil, err
	}
	r := &parquetReader{file: file, size: size}
	r.footer, err = parseFooter(stored, func(schema []schemaElement) (leaves []*leaf, err error) {
		found, leaves, err = r.find(schema, names)
		return leaves, err
	})
	if err != nil {
		return nil, nil, err
	}
	r.batches = newBatchPool(len(r.columns))
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
func (r *parquetReader) find(schema []schemaElement, names []columnName) (found []bool, leaves []*leaf, err error) {
	root, leaves, err := parquetTree(schema)
	if err != nil {
		return nil, nil, fmt.Errorf("read Parquet footer: %w", err)
	}
	r.leaves = len(leaves)
	found = make([]bool, len(names))
	for i, name := range names {
		column, err := root.find(name.path, name.text, &r.unpacker)
		if err != nil {
			return nil, nil, fmt.Errorf("column %s: %w", name.text, err)
		}
		if found[i] = column != nil; found[i] {
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
	case "PAR1":
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
	const border = parquetMagic + parquetMagic
	window := make([]byte, 0, 64<<10)
	for {
		n, err := file.Read(window[len(window):cap(window)])
		window = window[:len(window)+n]
		if bytes.Contains(window, []byte(border)) {
			return errSeveralFiles
		}
		if err != nil {
			return ignoreEOF(err)
		}
		window = append(window[:0], window[max(0, len(window)-len(border)+1):]...)
	}
}

// parquetGroup is a row group.
type parquetGroup struct {
	reader *parquetReader
	rowGroup
	bytes int64 // of the chunks that were opened, as they are unpacked
}

// rowsAtOnce is how many of some rows with so many bytes are decoded at once.
func rowsAtOnce(rows, bytes int64) int64 {
	perRow := max(bytes, 0)/max(rows, 1) + 1
	return min(batchRows, max(1, batchBytes/perRow))
}

// openChunk sets the reader on its column's chunk.
func (g *parquetGroup) openChunk(c *chunkReader) error {
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

func (r *parquetReader) next() (batch *columnBatch, err error) {
	defer recoverDamage(&err)
	for r.left == 0 {
		if r.group == len(r.footer.groups) {
			return nil, io.EOF
		}
		r.group++
		if err := r.openGroup(); err != nil {
			return nil, fmt.Errorf("row group %d: %w", r.group, err)
		}
	}
	batch = r.batches.take()
	left, most := r.left, r.most
	err = r.read(batch)
	for errors.Is(err, errWide) && most > 1 {
		most = max(1, most/fewerRows)
		err = r.again(batch, left, most)
	}
	if err != nil {
		return nil, fmt.Errorf("row group %d: %w", r.group, err)
	}
	r.rows += int64(batch.rows)
	return batch, nil
}

// read reads the next rows of the row group.
func (r *parquetReader) read(batch *columnBatch) error {
	batch.rows = int(min(r.left, r.most))
	for i, column := range r.columns {
		if err := column.read(batch.rows, &batch.vectors[i]); err != nil {
			return err
		}
	}
	r.left -= int64(batch.rows)
	return nil
}

// again reads the row group from its beginning, at most so many rows at once, to the next rows where so many are left.
func (r *parquetReader) again(batch *columnBatch, left, most int64) error {
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

func (r *parquetReader) openGroup() error {
	group := &parquetGroup{reader: r, rowGroup: r.footer.groups[r.group-1]}
	if group.columns != r.leaves {
		return fmt.Errorf("it has %d columns, the schema has %d", group.columns, r.leaves)
	}
	if r.left = group.rows; r.left == 0 {
		return nil
	}
	for _, column := range r.columns {
		if err := column.open(group); err != nil {
			return err
		}
	}
	r.most = rowsAtOnce(r.left, group.bytes)
	return nil
}

func (r *parquetReader) close() error {
	r.unpacker.close()
	return nil
}

// recoverDamage turns a panic over a damaged file into an error: decoders index by what the file says.
func recoverDamage(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("the file is damaged: %v", cause)
	}
}
