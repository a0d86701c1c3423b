// Package arrow reads the columns of an Arrow file or stream that it is asked for into vectors, record batch by record
// batch, within bounds whatever a header says.
//
// It never knows what a source or an event is, and it borrows nothing from Parquet: whoever opens a file names the
// columns and gets vectors back.
package arrow
