// Package parquet reads the columns of a Parquet file that it is asked for into vectors, row group by row group and
// page by page, within bounds whatever the file says.
//
// It never knows what a source or an event is: whoever opens a file names the columns and gets vectors back.
package parquet
