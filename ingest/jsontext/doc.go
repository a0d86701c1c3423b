// Package jsontext scans JSON where it lies: strings, numbers, and the end of a value, checked byte by byte without
// making anything of it.
//
// It never knows what a row, a key that is looked for, or an event is.
package jsontext
