package export

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"time"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"
	"github.com/shopspring/decimal"
)

// What Parquet keeps of a decimal: 38 digits, 18 of them after the point, in 16 bytes.
const parquetScale, parquetPrecision, decimalBytes = 18, 38, 16

// rowsOfGroup is how many rows are held in memory before they are written.
const rowsOfGroup = 64 << 10

// parquetWriter uses the library's writer of columns, not the one of Arrow's records: that one links in compute
// kernels and gRPC, 20 MB of program.
type parquetWriter struct {
	columns []Column
	file    *file.Writer
	held    []heldColumn
	failed  error // why there is no file
}

// heldColumn holds the values of a column that are not written yet. Only the list of its kind is used.
type heldColumn struct {
	present  []int16 // of each row: 1, or 0 for null
	texts    []parquet.ByteArray
	decimals []parquet.FixedLenByteArray
	integers []int64 // instants, too
	days     []int32
	truths   []bool
}

// NewParquet writes one Parquet file, compressed with Snappy. Every column may be null; instants are in UTC. A number
// that does not fit is an error.
func NewParquet(out io.Writer, columns []Column) Writer {
	w := &parquetWriter{columns: columns, held: make([]heldColumn, len(columns))}
	fields := make(schema.FieldList, len(columns))
	for i, column := range columns {
		field, err := parquetField(column)
		if err != nil {
			w.failed = fmt.Errorf("column %s: %w", column.Name, err)
			return w
		}
		fields[i] = field
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		w.failed = fmt.Errorf("set up columns: %w", err)
		return w
	}
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy),
		parquet.WithVersion(parquet.V2_LATEST)) // which has nanoseconds
	// The writer would close what has a Close, and whoever opened it does.
	w.file = file.NewParquetWriter(struct{ io.Writer }{out}, root, file.WithWriterProps(properties))
	return w
}

func parquetField(column Column) (schema.Node, error) {
	var logical schema.LogicalType
	physical, size := parquet.Types.Int64, -1
	switch column.Kind {
	case Decimal:
		logical = schema.NewDecimalLogicalType(parquetPrecision, parquetScale)
		physical, size = parquet.Types.FixedLenByteArray, decimalBytes
	case Instant:
		logical = schema.NewTimestampLogicalType(true, schema.TimeUnitMicros)
	case Exact:
		logical = schema.NewTimestampLogicalType(true, schema.TimeUnitNanos)
	case Day:
		logical, physical = schema.DateLogicalType{}, parquet.Types.Int32
	case Integer:
		logical = schema.NewIntLogicalType(64, true)
	case Boolean:
		logical, physical = schema.NoLogicalType{}, parquet.Types.Boolean
	default:
		logical, physical = schema.StringLogicalType{}, parquet.Types.ByteArray
	}
	return schema.NewPrimitiveNodeLogical(column.Name, parquet.Repetitions.Optional, logical, physical, size, -1)
}

func (w *parquetWriter) Row(values []any) error {
	if w.failed != nil {
		return w.failed
	}
	for i, value := range values {
		if err := w.held[i].hold(w.columns[i].Kind, value); err != nil {
			return fmt.Errorf("column %s: %w", w.columns[i].Name, err)
		}
	}
	if len(w.columns) == 0 || len(w.held[0].present) < rowsOfGroup {
		return nil
	}
	return w.flush()
}

// flush writes what is held as a group of rows.
func (w *parquetWriter) flush() error {
	group := w.file.AppendRowGroup()
	for i := range w.held {
		chunk, err := group.NextColumn()
		if err == nil {
			err = w.held[i].write(chunk)
		}
		if err == nil {
			err = chunk.Close()
		}
		if err != nil {
			return fmt.Errorf("write column %s: %w", w.columns[i].Name, err)
		}
		w.held[i] = heldColumn{}
	}
	return group.Close()
}

func (w *parquetWriter) Close() error {
	if w.failed != nil {
		return w.failed
	}
	var err error
	if len(w.columns) > 0 && len(w.held[0].present) > 0 {
		err = w.flush()
	}
	return errors.Join(err, w.file.Close())
}

func (c *heldColumn) hold(kind Kind, value any) error {
	if value == nil {
		c.present = append(c.present, 0)
		return nil
	}
	c.present = append(c.present, 1)
	switch typed := value.(type) {
	case string:
		if kind == Text {
			c.texts = append(c.texts, parquet.ByteArray(typed))
			return nil
		}
	case decimal.Decimal:
		if kind == Decimal {
			bytes, err := decimalOf(typed)
			c.decimals = append(c.decimals, bytes)
			return err
		}
	case time.Time:
		return c.holdTime(kind, typed)
	case int64:
		if kind == Integer {
			c.integers = append(c.integers, typed)
			return nil
		}
	case bool:
		if kind == Boolean {
			c.truths = append(c.truths, typed)
			return nil
		}
	}
	return fmt.Errorf("a value of type %T has no place in it", value)
}

// The years whose nanoseconds fit 64 bits.
const firstExactYear, lastExactYear = 1678, 2261

func (c *heldColumn) holdTime(kind Kind, at time.Time) error {
	switch kind {
	case Instant:
		c.integers = append(c.integers, at.UnixMicro())
	case Exact:
		if year := at.UTC().Year(); year < firstExactYear || year > lastExactYear {
			return fmt.Errorf("nanoseconds of the year %d do not fit 64 bits", year)
		}
		c.integers = append(c.integers, at.UnixNano())
	case Day:
		year, month, day := at.Date()
		days := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / int64((24 * time.Hour).Seconds())
		if days < math.MinInt32 || days > math.MaxInt32 {
			return fmt.Errorf("day %s does not fit 32 bits", at.Format(time.DateOnly))
		}
		c.days = append(c.days, int32(days))
	default:
		return errors.New("a time has no place in it")
	}
	return nil
}

func (c *heldColumn) write(chunk file.ColumnChunkWriter) (err error) {
	switch to := chunk.(type) {
	case *file.ByteArrayColumnChunkWriter:
		_, err = to.WriteBatch(c.texts, c.present, nil)
	case *file.FixedLenByteArrayColumnChunkWriter:
		_, err = to.WriteBatch(c.decimals, c.present, nil)
	case *file.Int64ColumnChunkWriter:
		_, err = to.WriteBatch(c.integers, c.present, nil)
	case *file.Int32ColumnChunkWriter:
		_, err = to.WriteBatch(c.days, c.present, nil)
	case *file.BooleanColumnChunkWriter:
		_, err = to.WriteBatch(c.truths, c.present, nil)
	default:
		err = fmt.Errorf("no column is written by %T", chunk)
	}
	return err
}

// decimalOf is the number of 10^-18 in two's complement, the highest byte first.
func decimalOf(d decimal.Decimal) (parquet.FixedLenByteArray, error) {
	scaled := d.Shift(parquetScale)
	if !scaled.IsInteger() || len(scaled.Abs().BigInt().String()) > parquetPrecision {
		return nil, fmt.Errorf("%s does not fit a decimal of %d digits, %d after the point", d, parquetPrecision,
			parquetScale)
	}
	number := scaled.BigInt()
	if number.Sign() < 0 {
		number.Add(number, new(big.Int).Lsh(big.NewInt(1), 8*decimalBytes))
	}
	return number.FillBytes(make([]byte, decimalBytes)), nil
}
