package door

import (
	"bufio"
	"bytes"
	"errors"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
)

// written is the first packet of a client.
func written(user, password string) []byte {
	var packet proto.Buffer
	proto.ClientHello{
		Name: "a client", Major: 26, Minor: 7, ProtocolVersion: 54488, Database: "creditmill", User: user, Password: password,
	}.Encode(&packet)
	return packet.Buf
}

// TestHello: a login is read as a client writes it, and one that is cut short anywhere is none.
func TestHello(t *testing.T) {
	packet := written("analyst", "pass\x00word")
	got, err := readHello(bufio.NewReader(bytes.NewReader(packet)))
	if err != nil || got != (hello{"analyst", "pass\x00word"}) {
		t.Fatalf("%+v, %v", got, err)
	}
	for size := range packet {
		if _, err := readHello(bufio.NewReader(bytes.NewReader(packet[:size]))); !errors.Is(err, errNoHello) {
			t.Errorf("%d of %d bytes: %v", size, len(packet), err)
		}
	}
}

// TestLets: only both together are let in.
func TestLets(t *testing.T) {
	d := &door{config: Config{User: "analyst", Password: "secret"}}
	for _, test := range []struct {
		user, password string
		want           bool
	}{
		{"analyst", "secret", true},
		{"analyst", "", false},
		{"analyst", "secret ", false},
		{"default", "", false},
		{"", "secret", false},
		{"ANALYST", "secret", false},
	} {
		if d.lets(test.user, test.password) != test.want {
			t.Errorf("%q with %q: want %t", test.user, test.password, test.want)
		}
	}
}

// FuzzHello: whatever is sent, it is a login that can be written back, or none; and no more is read into memory than
// is sent.
func FuzzHello(f *testing.F) {
	f.Add(written("analyst", "secret"))
	f.Add([]byte("\x00\xff\xff\xff\xff\x0f"))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		got, err := readHello(bufio.NewReader(bytes.NewReader(sent)))
		if err != nil {
			if !errors.Is(err, errNoHello) {
				t.Fatal(err)
			}
			return
		}
		if len(got.user)+len(got.password) > len(sent) {
			t.Fatalf("%+v of %d bytes", got, len(sent))
		}
	})
}
