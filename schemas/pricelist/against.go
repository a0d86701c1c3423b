package pricelist

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// Against leaves in a book what a catalog does not have: features of models that it does not know, and costs that are
// not those of its credit system. Costs of a model that it knows are given to its own feature.
func (b *Book) Against(catalog *schemas.Catalog, system string) {
	var fresh []Feature
	known := map[string][]Feature{}
	for _, feature := range b.Features {
		own, found := feature.in(catalog)
		switch {
		case found:
			known[own.ID] = append(known[own.ID], feature)
		default:
			if _, taken := catalog.Feature(feature.ID); taken {
				feature.entry.leave("", "the catalog has a feature of that id, with other models")
				b.drop(feature.ID)
				continue
			}
			fresh = append(fresh, feature)
		}
	}
	b.Features = fresh
	for _, own := range slices.Sorted(maps.Keys(known)) {
		b.compare(catalog, system, own, known[own])
	}
	b.Versions = slices.DeleteFunc(b.Versions, func(costs Costs) bool { return len(costs.ByFeature) == 0 })
	for _, feature := range b.Features {
		b.checkModels(catalog, feature)
	}
}

// in is the feature of a catalog that has a model of the feature.
func (f Feature) in(catalog *schemas.Catalog) (schemas.Feature, bool) {
	for _, model := range f.Models {
		if own, ok := catalog.FeatureOf(model); ok && !strings.Contains(model, "*") {
			return own, true
		}
	}
	return schemas.Feature{}, false
}

// checkModels tells of patterns of a new feature that meet one of the catalog.
func (b *Book) checkModels(catalog *schemas.Catalog, feature Feature) {
	for _, model := range feature.Models {
		for _, own := range catalog.Features {
			for _, other := range own.Models {
				if strings.Contains(model, "*") && strings.Contains(other, "*") && schemas.ModelsOverlap(model, other) {
					b.tell(feature.entry, model+" can match what "+other+" of "+own.ID+" does: keep one of them")
				}
			}
		}
	}
}

func (b *Book) tell(entry *Entry, reason string) {
	b.Notes = append(b.Notes, Note{Entry: entry.ID(), Key: "models", Reason: reason})
}

func (b *Book) drop(id string) {
	for _, costs := range b.Versions {
		delete(costs.ByFeature, id)
	}
}

// compare puts the costs of features in the place of those of the catalog's own feature that has their models, where
// they differ.
func (b *Book) compare(catalog *schemas.Catalog, system, own string, features []Feature) {
	terms, _ := catalog.CreditSystem(system)
	for _, costs := range b.Versions {
		first, alike := costs.ByFeature[features[0].ID], true
		for _, feature := range features[1:] {
			alike = alike && costsText(first, anyUnit) == costsText(costs.ByFeature[feature.ID], anyUnit)
		}
		for _, feature := range features {
			delete(costs.ByFeature, feature.ID)
		}
		if !alike {
			b.unlike(own, features)
			continue
		}
		if now, ok := terms.CostsAt(costs.From); ok {
			if present, ok := now.ByFeature[own]; ok && sameCosts(present, first) {
				continue
			}
		}
		costs.ByFeature[own] = first
	}
}

func anyUnit(string) bool { return true }

// unlike tells that a feature has models whose prices differ.
func (b *Book) unlike(own string, features []Feature) {
	for _, feature := range features {
		note := Note{
			Entry: feature.entry.ID(), Left: true,
			Reason: "the feature " + own + " of the catalog has it and others that cost otherwise: give each its own",
		}
		if !slices.Contains(b.Notes, note) {
			b.Notes = append(b.Notes, note)
		}
	}
}

// sameCosts says whether a catalog's costs are those of a version. What a unit costs is compared, not how that is said;
// conditions are compared as they stand.
func sameCosts(present schemas.UnitCosts, version Version) bool {
	const id = "f"
	book := Book{Versions: []Costs{{From: time.Unix(0, 0), ByFeature: map[string]Version{id: version}}}}
	text := "currency: usd\nproducts: [{id: p, default: true}]\nfeatures: [{id: f}]\n"
	catalog, _ := schemas.ParseCatalog("list", append([]byte(text), book.YAML("s", "")...))
	if catalog == nil {
		return false
	}
	other := catalog.CreditSystems[0].Costs[0].ByFeature[id]
	units := slices.Clone(schemas.TokenUnits)
	for _, costs := range []schemas.UnitCosts{present, other} {
		units = slices.AppendSeq(units, maps.Keys(costs.ByUnit))
	}
	for _, unit := range units {
		a, hasA := present.Of(unit)
		b, hasB := other.Of(unit)
		if hasA != hasB || !a.Equal(b) {
			return false
		}
	}
	return bytes.Equal(besides(present), besides(other))
}

// besides is all that costs have besides the prices of units, as text.
func besides(costs schemas.UnitCosts) []byte {
	costs.ByUnit, costs.Inherit = nil, false
	text, err := json.Marshal(costs)
	if err != nil {
		return nil
	}
	return text
}
