//go:build !unix

package store

// lockFile does nothing where there is no flock.
func lockFile(string) (release func(), err error) { return func() {}, nil }
