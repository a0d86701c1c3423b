// Package jsonl makes events of JSON Lines: one object a line, objects without line breaks, lines that a container
// runtime wrapped, and lists whose elements are rows.
//
// It knows where in a line the keys of a source are, and leaves what their values mean to package event.
package jsonl
