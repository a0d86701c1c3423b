package schemas

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/creditmill/creditmill/money"
)

// ParseCatalog decodes a catalog strictly. The Problems hold every mistake and warning; the Catalog is nil if one of
// them is a mistake, and usable with warnings alone. file only names the place in problems.
func ParseCatalog(file string, data []byte) (*Catalog, Problems) {
	sum := sha256.Sum256(data)
	d, root := newDecoder(file, data)
	reader := &catalogReader{
		decoder: d,
		catalog: &Catalog{SHA256: hex.EncodeToString(sum[:]), Text: slices.Clone(data), Timezone: time.UTC},
		nodes:   map[nodeID]ast.Node{},
	}
	if root == nil && len(d.problems) == 0 {
		d.problems = append(d.problems, Problem{File: file, Line: 1, Column: 1, Message: "catalog is empty"})
	}
	if root != nil {
		reader.read(root)
	}
	d.problems.sort()
	if d.problems.Err() != nil {
		return nil, d.problems
	}
	return reader.catalog, d.problems
}

// catalogReader fills a catalog and remembers where its parts stand, for the checks across them.
type catalogReader struct {
	*decoder
	catalog *Catalog
	nodes   map[nodeID]ast.Node
	models  []modelNode
	// overrides are the objects of the catalog's Overrides, by the same index.
	overrides []*object
}

// nodeID names a part of the catalog: {"feature", id}, {"costs", system, feature}, ….
type nodeID [3]string

type modelNode struct {
	text string
	node ast.Node
}

func (r *catalogReader) read(root ast.Node) {
	o, ok := r.object(root, "a catalog", catalogKeys.names())
	if !ok {
		return
	}
	if code := o.text("currency", true); code != "" {
		currency, err := money.LookupCurrency(code)
		if err != nil {
			r.problem(o.fields["currency"].value, "%v", err)
		}
		r.catalog.Currency = currency
	}
	if loc := o.timezone("timezone"); loc != nil {
		r.catalog.Timezone = loc
	}
	if from, ok := o.time("billing_from", false, r.catalog.Timezone); ok {
		r.catalog.BillingFrom = &from
	}
	for _, node := range o.list("features", true) {
		r.readFeature(node)
	}
	for _, node := range o.list("credit_systems", false) {
		r.readCreditSystem(node)
	}
	for _, node := range o.list("products", true) {
		r.readProduct(node)
	}
	for _, node := range o.list("overrides", false) {
		r.readOverride(node)
	}
	r.checkModels()
	r.checkProducts(o)
	r.checkOverrides()
	// What seems to be missing may only be misspelt: the mistakes come first.
	if r.problems.Err() == nil {
		r.warnOfCosts()
		r.warnOfSystems()
		r.warnOfTax()
	}
}

// declare reads the id of a part and refuses one that stands in the file already.
func (r *catalogReader) declare(o *object, kind string) string {
	id := o.id("id")
	if id == "" {
		return ""
	}
	node := o.fields["id"].value
	if first, twice := r.nodes[nodeID{kind, id}]; twice {
		line, column := position(startToken(first))
		r.problem(node, "%s %q is repeated (first at %d:%d)", kind, id, line, column)
		return id
	}
	r.nodes[nodeID{kind, id}] = node
	return id
}

func (r *catalogReader) readFeature(node ast.Node) {
	o, ok := r.object(node, "a feature", featureKeys.names())
	if !ok {
		return
	}
	feature := Feature{ID: r.declare(o, "feature")}
	for _, node := range o.list("models", o.has("models")) {
		text, kind := r.scalar(node)
		switch {
		case kind != scalarText && kind != scalarNumber || text == "":
			r.problem(node, "a model must be text")
		case len(text) > maxModelBytes:
			r.problem(node, "a model must be at most %d bytes", maxModelBytes)
		case NameProblem([]byte(text)) != "":
			r.problem(node, "the model %s", NameProblem([]byte(text)))
		default:
			feature.Models = append(feature.Models, text)
			r.models = append(r.models, modelNode{text, node})
			r.catalog.matcher.add(text, len(r.catalog.Features))
		}
	}
	r.catalog.Features = append(r.catalog.Features, feature)
}

// maxModelBytes is the longest model of an event that is loaded.
const maxModelBytes = 256

// checkModels refuses a model named twice, and two patterns that some model would match both.
func (r *catalogReader) checkModels() {
	first := map[string]int{}
	var patterns []int // indexes of the different ones
	for i, model := range r.models {
		told := func(earlier int, message string, texts ...any) {
			line, column := position(startToken(r.models[earlier].node))
			r.problem(model.node, message, append(texts, line, column)...)
		}
		if earlier, twice := first[model.text]; twice {
			told(earlier, "model %q is matched twice (first at %d:%d)", model.text)
			continue
		}
		first[model.text] = i
		if !isPattern(model.text) {
			continue
		}
		for _, earlier := range patterns {
			if other := r.models[earlier].text; patternsOverlap(model.text, other) {
				told(earlier, "models %q and %q (at %d:%d) can match the same name", model.text, other)
				break
			}
		}
		patterns = append(patterns, i)
	}
}

// known returns the ids of one kind, in the order of the file, for suggestions.
func (r *catalogReader) known(kind string) []string {
	var ids []string
	for id := range r.nodes {
		if id[0] == kind {
			ids = append(ids, id[1])
		}
	}
	slices.Sort(ids)
	return ids
}

func quoted(ids []string) string {
	return `"` + strings.Join(ids, `", "`) + `"`
}
