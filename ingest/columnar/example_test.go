package columnar_test

import (
	"fmt"

	"github.com/creditmill/creditmill/ingest/columnar"
)

// A batch has one vector for each column; a dictionary's texts are stored once, and rows say which of them they have.
func ExampleVector() {
	var models columnar.Texts
	models.Append([]byte("small-model"))
	models.Append([]byte("large-model"))

	batch := columnar.NewPool(2).Take()
	batch.Rows = 3
	batch.Vectors[0] = columnar.Vector{
		Kind: columnar.KindText, Dictionary: columnar.NewDictionary(models), Codes: []uint32{0, 1, 0},
	}
	batch.Vectors[1] = columnar.Vector{
		Kind: columnar.KindInt, Number: []int64{1200, 0, 7}, Null: []bool{false, true, false},
	}
	for row := range batch.Rows {
		tokens := batch.Vectors[1].AppendJSON(nil, row)
		fmt.Printf("%s %s\n", batch.Vectors[0].At(row), tokens)
	}
	// Output:
	// small-model 1200
	// large-model null
	// small-model 7
}
