package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
)

//go:generate go test -run ^TestCatalogSchema$ -update

// JSON writes the schema as a file holds it: indented, its keys sorted.
func (s Schema) JSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(s); err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return text.Bytes(), nil
}
