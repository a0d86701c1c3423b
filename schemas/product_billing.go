package schemas

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// Tax is how a product's overage is taxed at Stripe.
type Tax struct {
	// Code is Stripe's tax code, txcd_ and digits; empty: the default of the Stripe account.
	Code string `json:"code,omitempty"`
	// Behavior says whether the catalog's prices include tax.
	Behavior TaxBehavior `json:"behavior"`
}

// warnOfTax warns of products without tax where others have it.
func (r *catalogReader) warnOfTax() {
	without := r.catalog.Untaxed()
	taxed := slices.ContainsFunc(r.catalog.Products, func(p Product) bool { return p.Tax != nil })
	for _, id := range without {
		if taxed {
			r.warning(r.nodes[nodeID{"product", id}], "product %q does not say how its overage is taxed, as others do: give it "+
				"`tax: {behavior: exclusive}` or `inclusive`", id)
		}
	}
}

// Untaxed are the ids of products that sell overage and do not say how it is taxed.
func (c *Catalog) Untaxed() []string {
	var ids []string
	for _, product := range c.Products {
		sells := slices.ContainsFunc(product.Versions, func(v ProductVersion) bool {
			return v.Credits != nil && v.Credits.Overage != nil
		})
		if sells && product.Tax == nil {
			ids = append(ids, product.ID)
		}
	}
	return ids
}

// TaxBehavior is Stripe's tax_behavior. Its third one, unspecified, is no Tax at all.
type TaxBehavior string

// Tax comes on top of a price, or is in it.
const (
	TaxExclusive TaxBehavior = "exclusive"
	TaxInclusive TaxBehavior = "inclusive"
)

var (
	taxBehaviors = []TaxBehavior{TaxExclusive, TaxInclusive}
	taxCode      = regexp.MustCompile(`^txcd_[0-9]{8}$`)
)

const (
	// maxTemplateBytes leaves room for what is filled in: Stripe takes 1,500 characters as an invoice's description.
	maxTemplateBytes = 500
	// maxMetadata, maxMetadataKey and maxMetadataValue are Stripe's limits, 50 keys of 40 characters and values of 500
	// (docs.stripe.com/api/metadata), less those that creditmill sets itself.
	maxMetadata, maxMetadataKey, maxMetadataValue = 40, 40, 500
)

// readBilling reads how a product's overage looks on an invoice.
func (r *catalogReader) readBilling(o *object, product *Product) {
	product.LineTemplate = r.readTemplate(o, "line_template")
	product.AdjustmentTemplate = r.readTemplate(o, "adjustment_template")
	if node := o.value("tax", false); node != nil {
		product.Tax = r.readTax(node)
	}
	if node := o.value("metadata", false); node != nil {
		product.Metadata = r.readMetadata(node)
	}
}

func (r *catalogReader) readTax(node ast.Node) *Tax {
	o, ok := r.object(node, "tax", taxKeys.names())
	if !ok {
		return nil
	}
	tax := &Tax{Code: o.text("code", false)}
	if tax.Code != "" && !taxCode.MatchString(tax.Code) {
		r.problem(o.fields["code"].value, "field %q must be one of Stripe's tax codes, txcd_ and eight digits, not %q",
			"code", tax.Code)
	}
	switch behavior := TaxBehavior(o.text("behavior", true)); behavior {
	case TaxExclusive, TaxInclusive:
		tax.Behavior = behavior
	case "":
	default:
		r.problem(o.fields["behavior"].value, "field %q must be exclusive or inclusive, not %q%s", "behavior",
			string(behavior), suggest(string(behavior), []string{string(TaxExclusive), string(TaxInclusive)}, ""))
	}
	return tax
}

// readTemplate reads the text of a line and refuses what Line does not fill.
func (r *catalogReader) readTemplate(o *object, key string) string {
	text := o.text(key, false)
	if text == "" {
		return ""
	}
	node := o.fields[key].value
	if len(text) > maxTemplateBytes {
		r.problem(node, "field %q must be at most %d bytes, not %d", key, maxTemplateBytes, len(text))
	}
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) || !utf8.ValidString(text) {
		r.problem(node, "field %q must be one line of text", key)
	}
	rest := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		if name := found[1 : len(found)-1]; !slices.Contains(placeholderNames, name) {
			r.problem(node, "field %q has an unknown placeholder %s%s", key, found,
				suggest(name, placeholderNames, ": it may be one of {"+strings.Join(placeholderNames, "}, {")+"}"))
		}
		return ""
	})
	if strings.ContainsAny(rest, "{}") {
		r.problem(node, "field %q has a brace that begins or ends no placeholder", key)
	}
	return text
}

// readMetadata reads what is added to Stripe's objects, within Stripe's limits and beside creditmill's own keys.
func (r *catalogReader) readMetadata(node ast.Node) map[string]string {
	o, ok := r.object(node, "metadata", nil)
	if !ok {
		return nil
	}
	if len(o.keys) > maxMetadata {
		r.problem(node, "metadata has %d keys: Stripe takes 50, of which %d can be given", len(o.keys), maxMetadata)
	}
	metadata := map[string]string{}
	for _, key := range o.keys {
		field := o.fields[key]
		switch {
		case utf8.RuneCountInString(key) > maxMetadataKey || key == "" || strings.ContainsAny(key, "[]"):
			r.problem(field.key, "key %q of metadata must have 1 to %d characters, without square brackets", key,
				maxMetadataKey)
		case reservedMetadata[key] || strings.HasPrefix(key, "creditmill_"):
			r.problem(field.key, "key %q of metadata is creditmill's own: give it another name", key)
		}
		text := o.text(key, true)
		if utf8.RuneCountInString(text) > maxMetadataValue {
			r.problem(field.value, "value of %q must have at most %d characters", key, maxMetadataValue)
		}
		metadata[key] = text
	}
	return metadata
}

// reservedMetadata are the keys by which posted charges are recognized.
var reservedMetadata = map[string]bool{
	"charge_id": true, "bill_id": true, "account_id": true, "period": true, "plan_sha": true, "feature": true,
}

var (
	placeholder = regexp.MustCompile(`\{[^{}]*\}`)
	// placeholderNames are what a template may hold, between braces.
	placeholderNames = []string{
		"product", "credits", "unit", "period", "period_start", "period_end", "feature", "customer",
	}
)

// FillLine puts values, by name, in the place of a template's placeholders.
func FillLine(template string, values map[string]string) string {
	return placeholder.ReplaceAllStringFunc(template, func(found string) string { return values[found[1:len(found)-1]] })
}
