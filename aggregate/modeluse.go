package aggregate

import "github.com/creditmill/creditmill/schemas"

// modelUse is a model that events name, and which of its pools hold any tokens at all.
type modelUse struct {
	Model       string `ch:"model"`
	Input       bool   `ch:"input"`
	CachedInput bool   `ch:"cached_input"`
	CacheWrite  bool   `ch:"cache_write"`
	Output      bool   `ch:"output"`
	Reasoning   bool   `ch:"reasoning"`
}

func (m modelUse) pools() [schemas.PoolCount]bool {
	return [schemas.PoolCount]bool{m.Input, m.CachedInput, m.CacheWrite, m.Output, m.Reasoning}
}

// names are those of the models.
func names(models []modelUse) []string {
	list := make([]string, len(models))
	for i, use := range models {
		list[i] = use.Model
	}
	return list
}
