package native

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/sql"
	"github.com/creditmill/creditmill/warehouse"
)

// protocolRevision is the native protocol that a Stream speaks: the first with parameters, which came after
// sparse columns. A server of any later revision speaks it too.
const protocolRevision = 54459

// rowsPerPart is how many rows the server gathers before it writes a part, unless they come to 256 MB before that. With
// its own million, parts are so many that they are merged while rows still come; two million take more of its memory.
const rowsPerPart = 1_500_000

const (
	insertDialTimeout = 10 * time.Second
	insertReadTimeout = 10 * time.Minute // a server may merge for minutes before it takes more
)

// Target is how to reach the server, as warehouse.Options tells it.
type Target struct {
	address, database, user, password string
	tls                               *tls.Config
	compress                          bool
}

// TargetOf is the server of a warehouse that holds the rows of a shard; 0 where there are no shards.
func TargetOf(w *warehouse.Warehouse, shard uint32) (t Target, err error) {
	t.address, t.database, t.user, t.password, t.tls, err = w.ShardOptions(shard)
	t.compress = !loopback(t.address)
	return t, err
}

// loopback tells whether the server is on this machine, where compressing costs more than it saves.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// Stream is one connection that inserts blocks of columns. clickhouse-go could do it, but builds its columns
// value by value through interfaces, dictionaries with a map[any]int; here the decoders fill the columns in wire
// format and the stream only writes them out. It is used by one goroutine.
type Stream struct {
	conn       net.Conn
	reader     *proto.Reader
	buffer     proto.Buffer  // what is sent next
	writer     *proto.Writer // over buffer: writes columns from where they are
	compressor *compress.Writer
	open       bool // an INSERT is under way
	now        func() time.Time
}

// Dial connects to the server.
func Dial(ctx context.Context, target Target, now func() time.Time) (*Stream, error) {
	dialer := net.Dialer{Timeout: insertDialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", target.address)
	if err != nil {
		return nil, fmt.Errorf("connect to warehouse for inserting: %w", err)
	}
	if target.tls != nil {
		conn = tls.Client(conn, target.tls)
	}
	s := &Stream{conn: conn, reader: proto.NewReader(conn), now: now}
	s.writer = proto.NewWriter(conn, &s.buffer)
	if target.compress {
		s.compressor = compress.NewWriter(compress.LevelZero, compress.LZ4)
	}
	if err := s.hello(target); err != nil {
		return nil, fmt.Errorf("connect to warehouse for inserting: %w", errors.Join(err, conn.Close()))
	}
	return s, nil
}

func (s *Stream) hello(target Target) error {
	proto.ClientHello{
		Name: "creditmill", Major: 1, ProtocolVersion: protocolRevision,
		Database: target.database, User: target.user, Password: target.password,
	}.Encode(&s.buffer)
	if err := s.flush(); err != nil {
		return err
	}
	code, err := s.packet()
	if err != nil {
		return err
	}
	if code != proto.ServerCodeHello {
		return fmt.Errorf("read greeting: unexpected packet %s", code)
	}
	var server proto.ServerHello
	if err := server.DecodeAware(s.reader, protocolRevision); err != nil {
		return fmt.Errorf("read greeting: %w", err)
	}
	if server.Revision < protocolRevision {
		return fmt.Errorf("read greeting: server speaks protocol %d, %d is needed", server.Revision, protocolRevision)
	}
	s.buffer.PutString("") // no key of a quota
	return nil
}

// insertEvents is the one statement that goes over connections of ingest's own.
var insertEvents = strings.TrimSpace(sql.Text("ingest/insert_events.sql"))

// Begin starts an INSERT of rows of a load and waits until the server takes them. id is the statement's.
func (s *Stream) Begin(id string, loadSeq uint64, source string) error {
	compression := proto.CompressionDisabled
	if s.compressor != nil {
		compression = proto.CompressionEnabled
	}
	proto.Query{
		ID: id, Body: insertEvents, Stage: proto.StageComplete, Compression: compression,
		Settings: []proto.Setting{
			{Key: "send_profile_events", Value: "0"},
			{Key: "min_insert_block_size_rows", Value: strconv.Itoa(rowsPerPart)},
		},
		Parameters: []proto.Parameter{
			{Key: "load_seq", Value: quoted(strconv.FormatUint(loadSeq, 10))}, {Key: "source", Value: quoted(source)},
		},
		Info: proto.ClientInfo{
			ProtocolVersion: protocolRevision, Major: 1, Interface: proto.InterfaceTCP,
			Query: proto.ClientQueryInitial, InitialAddress: "0.0.0.0:0", ClientName: "creditmill",
		},
	}.EncodeAware(&s.buffer, protocolRevision)
	if err := s.sendBlock(nil); err != nil {
		return fmt.Errorf("begin insert: %w", err)
	}
	for {
		code, err := s.packet()
		if err != nil {
			return fmt.Errorf("begin insert: %w", err)
		}
		if code == proto.ServerCodeData {
			s.open = true
			return nil
		}
	}
}

// quoted is a parameter's value as the protocol wants it.
func quoted(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// Send writes the block out. An error of the server is returned instead of the broken connection it leads to.
func (s *Stream) Send(b *event.Block) error {
	if err := s.sendBlock(b); err != nil {
		for {
			if _, failure := s.packet(); failure != nil {
				var exception *serverError
				if errors.As(failure, &exception) {
					err = failure
				}
				return fmt.Errorf("insert rows: %w", err)
			}
		}
	}
	return nil
}

// Finish ends the INSERT; when it returns nil the server has stored every row that was sent.
func (s *Stream) Finish() error {
	if !s.open {
		return nil
	}
	s.open = false
	if err := s.sendBlock(nil); err != nil {
		return fmt.Errorf("end insert: %w", err)
	}
	for {
		code, err := s.packet()
		if err != nil {
			return fmt.Errorf("end insert: %w", err)
		}
		if code == proto.ServerCodeEndOfStream {
			return nil
		}
	}
}

// IsOpen tells that an INSERT is under way.
func (s *Stream) IsOpen() bool { return s.open }

// Close ends the connection, whatever is under way.
func (s *Stream) Close() error { return s.conn.Close() }

func (s *Stream) sendBlock(b *event.Block) error {
	proto.ClientCodeData.Encode(&s.buffer)
	s.buffer.PutString("") // not a temporary table
	if s.compressor == nil {
		encodeBlock(b, s.writer)
		return s.flush()
	}
	var plain bytes.Buffer
	writer := proto.NewWriter(&plain, new(proto.Buffer))
	encodeBlock(b, writer)
	if _, err := writer.Flush(); err != nil {
		return fmt.Errorf("join columns: %w", err)
	}
	if err := s.compressor.Compress(plain.Bytes()); err != nil {
		return fmt.Errorf("compress block: %w", err)
	}
	s.writer.ChainWrite(s.compressor.Data)
	return s.flush()
}

// encodeBlock writes the block, or with nil the one that ends an INSERT.
func encodeBlock(b *event.Block, writer *proto.Writer) {
	writer.ChainBuffer(func(buffer *proto.Buffer) { proto.BlockInfo{BucketNum: -1}.Encode(buffer) })
	if b != nil {
		putBlock(writer, b)
		return
	}
	writer.ChainBuffer(func(buffer *proto.Buffer) {
		buffer.PutInt(0) // columns
		buffer.PutInt(0) // rows
	})
}

func (s *Stream) flush() error {
	if err := s.conn.SetWriteDeadline(s.now().Add(insertReadTimeout)); err != nil {
		return fmt.Errorf("write to warehouse: %w", err)
	}
	if _, err := s.writer.Flush(); err != nil {
		return fmt.Errorf("write to warehouse: %w", err)
	}
	return nil
}

// packet reads one packet whole. A server's exception is the error.
func (s *Stream) packet() (proto.ServerCode, error) {
	if err := s.conn.SetReadDeadline(s.now().Add(insertReadTimeout)); err != nil {
		return 0, fmt.Errorf("read from warehouse: %w", err)
	}
	number, err := s.reader.UVarInt()
	if err != nil {
		return 0, fmt.Errorf("read from warehouse: %w", err)
	}
	code := proto.ServerCode(number)
	switch code {
	case proto.ServerCodeException:
		var exception proto.Exception
		if err = exception.DecodeAware(s.reader, protocolRevision); err == nil {
			return 0, &serverError{exception}
		}
	case proto.ServerCodeProgress:
		var progress proto.Progress
		err = progress.DecodeAware(s.reader, protocolRevision)
	case proto.ServerCodeProfile:
		var profile proto.Profile
		err = profile.DecodeAware(s.reader, protocolRevision)
	case proto.ServerCodeTableColumns:
		var columns proto.TableColumns
		err = columns.DecodeAware(s.reader, protocolRevision)
	case proto.ServerCodeData:
		err = s.readBlock()
	case proto.ServerCodeHello, proto.ServerCodeEndOfStream, proto.ServerCodePong:
	default:
		err = fmt.Errorf("unexpected packet %d", number)
	}
	if err != nil {
		return 0, fmt.Errorf("read from warehouse: %w", err)
	}
	return code, nil
}

// readBlock reads the header block in which the server names the columns it wants; they are known.
func (s *Stream) readBlock() error {
	if _, err := s.reader.Str(); err != nil {
		return err
	}
	if s.compressor != nil {
		s.reader.EnableCompression()
		defer s.reader.DisableCompression()
	}
	var header proto.Block
	return header.DecodeBlock(s.reader, protocolRevision, nil)
}

// serverError is an exception of the server.
type serverError struct{ exception proto.Exception }

func (e *serverError) Error() string {
	return fmt.Sprintf("clickhouse: %s (code %d)", e.exception.Message, e.exception.Code)
}
