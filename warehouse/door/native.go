package door

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/ClickHouse/ch-go/proto"
)

// textMost bounds a text of the first packet.
const textMost = 4096

// How long the door waits before it accepts again, after it could not.
const (
	shortestPause = 5 * time.Millisecond
	longestPause  = time.Second
)

// errNoHello is returned for a connection that does not begin with a login of the native protocol.
var errNoHello = errors.New("it does not begin with a login")

// acceptNative passes connections on until the listener is closed. Those that are open then end with the context.
func (d *door) acceptNative(ctx context.Context, listener net.Listener) error {
	pause := time.Duration(0)
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil && ctx.Err() == nil { // such as too many open files: others end, as for net/http
			pause = min(max(2*pause, shortestPause), longestPause)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			continue
		}
		if err != nil {
			return err //nolint:wrapcheck // Serve says what it was about
		}
		pause = 0
		d.connections.Go(func() {
			defer conn.Close() //nolint:errcheck // nobody is left to be told
			d.passNative(ctx, conn)
		})
	}
}

// passNative compares the login of a connection and joins it with the engine.
func (d *door) passNative(ctx context.Context, client net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = client.Close() })()
	late := time.AfterFunc(slowestLogin, func() { _ = client.Close() })
	var seen bytes.Buffer
	login, err := readHello(bufio.NewReader(io.TeeReader(client, &seen)))
	if !late.Stop() || err != nil {
		return
	}
	if !d.lets(login.user, login.password) {
		d.config.Refused(client.RemoteAddr(), login.user)
		_, _ = client.Write(refusal(login.user))
		return
	}
	engine, err := d.config.Native(ctx)
	if err != nil {
		_, _ = client.Write(exception(codeNetwork, "the engine does not answer; try again in a moment"))
		return
	}
	defer engine.Close() //nolint:errcheck // nothing is kept in it
	defer context.AfterFunc(ctx, func() { _ = engine.Close() })()
	if _, err := engine.Write(seen.Bytes()); err != nil {
		return
	}
	ended := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{engine, client}, {client, engine}} {
		d.connections.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // either end may close it at any time
			ended <- struct{}{}
		})
	}
	<-ended
}

// hello is what is looked at of a client's first packet.
type hello struct{ user, password string }

// readHello reads the first packet: its kind, the client's name, three numbers of its version, and database, user and
// password.
func readHello(from *bufio.Reader) (hello, error) {
	kind, err := binary.ReadUvarint(from)
	if err != nil || kind != uint64(proto.ClientCodeHello) {
		return hello{}, errors.Join(errNoHello, err)
	}
	if _, err := readText(from); err != nil {
		return hello{}, err
	}
	for range 3 {
		if _, err := binary.ReadUvarint(from); err != nil {
			return hello{}, fmt.Errorf("%w: %w", errNoHello, err)
		}
	}
	var texts [3]string
	for i := range texts {
		if texts[i], err = readText(from); err != nil {
			return hello{}, err
		}
	}
	return hello{user: texts[1], password: texts[2]}, nil
}

func readText(from *bufio.Reader) (string, error) {
	size, err := binary.ReadUvarint(from)
	if err == nil && size > textMost {
		err = fmt.Errorf("a text of %d bytes", size)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNoHello, err)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(from, text); err != nil {
		return "", fmt.Errorf("%w: %w", errNoHello, err)
	}
	return string(text), nil
}

// Codes of ClickHouse.
const (
	codeNetwork      = 210
	codeWrongLogin   = 516
	exceptionOfTheDB = "DB::Exception"
)

// refusal is what the engine itself would say to a wrong login.
func refusal(user string) []byte {
	return exception(codeWrongLogin, refusedText(user))
}

func refusedText(user string) string {
	return user + ": Authentication failed: this door is for the analyst alone, and takes the password that " +
		"`creditmill engine` prints"
}

// exception is a packet that a client shows as an error of the server.
func exception(code int32, message string) []byte {
	var packet proto.Buffer
	proto.ServerCodeException.Encode(&packet)
	packet.PutInt32(code)
	packet.PutString(exceptionOfTheDB)
	packet.PutString(message)
	packet.PutString("")
	packet.PutBool(false)
	return packet.Buf
}
