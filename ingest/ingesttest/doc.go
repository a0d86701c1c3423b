// Package ingesttest writes sample rows in every format that is read, for tests.
package ingesttest
