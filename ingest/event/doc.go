// Package event makes events of the values that a log holds: which field of a row goes where (mapping), rows, numbers,
// times, ids and row numbers, and the blocks of events and rejects that a load sends and counts.
//
// It never knows which format a value came from, reads no file, and speaks to no server.
package event
