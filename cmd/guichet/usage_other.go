//go:build !unix

package main

import "time"

// cpuTime is not known on this system.
func cpuTime() time.Duration { return 0 }

// peakMemory is not known on this system.
func peakMemory() float64 { return 0 }

func residentMemory() float64 { return 0 }
