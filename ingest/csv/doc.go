// Package csv makes events of CSV: its header and delimiter, and rows with quotes and line breaks in fields.
//
// It knows which column of a file is which field, and leaves what the values mean to package event.
package csv
