// Package columnar holds rows as columns: vectors of values as a file of columns is read into them, texts and
// dictionaries in the warehouse's wire format, and the bounds that every reader of columns keeps to.
//
// It never knows which format a column came from, what a source is, or which field of an event a value becomes.
package columnar
