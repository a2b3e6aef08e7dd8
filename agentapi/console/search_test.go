package console_test

import (
	"net/http"
	"testing"
)
