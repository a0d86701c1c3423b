package sql

import (
	"fmt"
	"strings"
)

// A statement is asked for by its path; the values come as parameters, never into the text.
func ExampleText() {
	text := Text("invoice/find_charges.sql")
	fmt.Println(strings.Contains(text, "customer_id = {name:String}"))
	// Output: true
}

// A section is sent only where it is wanted: the engine takes time for every part of a statement.
func ExampleSections() {
	const text = "SELECT count() FROM usage_events\n-- if any_withdrawn\nWHERE load_seq NOT IN withdrawn\n-- end if\n"
	fmt.Println(SectionNames(text))
	fmt.Print(Sections(text, func(string) bool { return false }))
	// Output:
	// [any_withdrawn]
	// SELECT count() FROM usage_events
}

// Migrations are numbered without gaps, and each has the hash by which a warehouse knows what was applied.
func ExampleMigrations() {
	first := Migrations()[0]
	fmt.Println(first.Number, first.Name, len(first.SHA256), "hex digits")
	// Output: 1 0001_ingest.sql 64 hex digits
}
