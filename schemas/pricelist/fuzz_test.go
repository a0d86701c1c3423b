package pricelist_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/schemas/pricelist"
)

// FuzzRead makes catalogs of lists that are wrong in every way. Whatever is imported, a catalog can hold.
func FuzzRead(f *testing.F) {
	for i, format := range pricelist.Formats() {
		data, err := os.ReadFile(filepath.Join("testdata", format+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, data)
	}
	f.Fuzz(func(t *testing.T, format int, data []byte) {
		if format < 0 || format >= len(pricelist.Formats()) {
			return
		}
		entries, err := pricelist.Read(pricelist.Formats()[format], data)
		if err != nil {
			return
		}
		book := pricelist.NewBook(entries, terms("0.2", "0.01"), false)
		if book.Whole+book.InPart+book.LeftOut != len(entries) {
			t.Errorf("of %d entries %d are whole, %d in part, %d left out", len(entries), book.Whole, book.InPart, book.LeftOut)
		}
		if len(book.Features) == 0 {
			return
		}
		for _, costs := range book.Versions {
			for id, version := range costs.ByFeature {
				if version.When = nil; len(version.Prices) == 0 {
					return
				}
				costs.ByFeature[id] = version
			}
		}
		text := "currency: usd\nproducts: [{id: p, default: true}]\n" + string(book.YAML("s", ""))
		if _, problems := schemas.ParseCatalog("imported.yaml", []byte(text)); problems.Err() != nil {
			t.Errorf("%v\n%s", problems.Err(), text)
		}
	})
}
