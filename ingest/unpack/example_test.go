package unpack_test

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/creditmill/creditmill/ingest/unpack"
)

func ExampleOpen() {
	text, closeText, err := unpack.Open(bufio.NewReader(strings.NewReader("what is not compressed is read as it is")))
	if err != nil {
		fmt.Println(err)
		return
	}
	read, err := io.ReadAll(text)
	fmt.Println(string(read), err, closeText())
	fmt.Println(unpack.PlainName("usage.jsonl.gz"))
	// Output:
	// what is not compressed is read as it is <nil> <nil>
	// usage.jsonl
}
