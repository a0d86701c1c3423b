// Package native speaks ClickHouse's native protocol, as little of it as inserting blocks of events takes: columns go
// over the wire from the memory that they were decoded into.
//
// It never knows a file, a format or a source.
package native
