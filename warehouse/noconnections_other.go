//go:build !linux

package warehouse

// EngineConnectsNowhere tells whether this kernel keeps embedded engines from opening TCP connections.
func EngineConnectsNowhere() bool { return false }

// noConnections is for Linux.
func noConnections() error { return nil }
