package pricelist

import (
	"regexp"
	"strconv"

	"github.com/creditmill/creditmill/schemas"
)

// litellmUnit is what a price of LiteLLM counts.
type litellmUnit struct {
	unit string
	// places are the decimal places to the left for a single one, where the price is not that of one.
	places int32
	// when are conditions that the key has in its name.
	when [][2]string
}

// litellmUnits are the prices of LiteLLM without what their endings say.
var litellmUnits = map[string]litellmUnit{
	"input_cost_per_token":                      {unit: schemas.UnitInput},
	"output_cost_per_token":                     {unit: schemas.UnitOutput},
	"cache_read_input_token_cost":               {unit: schemas.UnitCachedInput},
	"input_cost_per_token_cache_hit":            {unit: schemas.UnitCachedInput},
	"cache_creation_input_token_cost":           {unit: schemas.UnitCacheWrite},
	"cache_creation_input_token_cost_above_1hr": {unit: schemas.UnitCacheWrite1h},
	"output_cost_per_reasoning_token":           {unit: schemas.UnitReasoning},
	"input_cost_per_audio_token":                {unit: schemas.UnitInputAudio},
	"cache_read_input_audio_token_cost":         {unit: schemas.UnitCachedInputAudio},
	"cache_read_input_token_cost_per_audio":     {unit: schemas.UnitCachedInputAudio},
	"output_cost_per_audio_token":               {unit: schemas.UnitOutputAudio},
	"input_cost_per_image_token":                {unit: schemas.UnitInputImage},
	"output_cost_per_image_token":               {unit: schemas.UnitOutputImage},
	"input_cost_per_video_token":                {unit: schemas.UnitInputVideo},

	"input_cost_per_request":               {unit: schemas.UnitRequests},
	"output_cost_per_request":              {unit: schemas.UnitRequests},
	"input_cost_per_query":                 {unit: "searches"},
	"google_maps_grounding_cost_per_query": {unit: "map_searches"},
	"file_search_cost_per_1k_calls":        {unit: "file_searches", places: 3},
	"code_interpreter_cost_per_session":    {unit: "code_sessions"},
	"input_cost_per_image":                 {unit: "input_images"},
	"output_cost_per_image":                {unit: "images"},
	"output_cost_per_image_512":            {unit: "images", when: [][2]string{{"size", "512"}}},
	"output_cost_per_image_1024":           {unit: "images", when: [][2]string{{"size", "1024"}}},
	"output_cost_per_image_1536":           {unit: "images", when: [][2]string{{"size", "1536"}}},
	"input_cost_per_pixel":                 {unit: "input_pixels"},
	"output_cost_per_pixel":                {unit: "pixels"},
	"input_cost_per_second":                {unit: "seconds"},
	"output_cost_per_second":               {unit: "seconds"},
	"output_cost_per_second_480p":          {unit: "seconds", when: [][2]string{{"resolution", "480p"}}},
	"output_cost_per_second_720p":          {unit: "seconds", when: [][2]string{{"resolution", "720p"}}},
	"output_cost_per_second_768p":          {unit: "seconds", when: [][2]string{{"resolution", "768p"}}},
	"output_cost_per_second_1080p":         {unit: "seconds", when: [][2]string{{"resolution", "1080p"}}},
	"output_cost_per_second_2k":            {unit: "seconds", when: [][2]string{{"resolution", "2k"}}},
	"output_cost_per_second_4k":            {unit: "seconds", when: [][2]string{{"resolution", "4k"}}},
	"output_cost_per_video_per_second":     {unit: "seconds"},
	"output_cost_per_audio_per_second":     {unit: "output_audio_seconds"},
	"input_cost_per_audio_per_second":      {unit: "input_audio_seconds"},
	"input_cost_per_video_per_second":      {unit: "input_video_seconds"},
	"input_cost_per_character":             {unit: "characters"},
	"output_cost_per_character":            {unit: "output_characters"},
	"ocr_cost_per_page":                    {unit: "pages"},
	"annotation_cost_per_page":             {unit: "annotated_pages"},
	"ocr_cost_per_credit":                  {unit: "ocr_credits"},
}

// litellmLeftOut are prices of LiteLLM that a catalog cannot hold, with the reason.
var litellmLeftOut = map[string]string{
	"cache_creation_input_audio_token_cost":              noUnit + schemas.UnitCacheWrite,
	"cache_read_input_image_token_cost":                  noUnit + schemas.UnitCachedInput,
	"output_cost_per_video_token":                        noUnit + schemas.UnitOutput,
	"citation_cost_per_token":                            noUnit + schemas.UnitInput,
	"computer_use_input_cost_per_1k_tokens":              noUnit + schemas.UnitInput,
	"computer_use_output_cost_per_1k_tokens":             noUnit + schemas.UnitOutput,
	"file_search_cost_per_gb_per_day":                    ofStorage,
	"vector_store_cost_per_gb_per_day":                   ofStorage,
	"input_cost_per_video_per_second_above_8s_interval":  byLength,
	"input_cost_per_video_per_second_above_15s_interval": byLength,
}

const (
	noUnit    = "the catalog has no unit for it: its tokens cost what they are counted as, "
	ofStorage = "storage costs while it lasts, and no event counts it"
	byLength  = "the catalog has no condition by the length of a video"
)

// litellmElsewhere say the same again, or are no price.
var litellmElsewhere = map[string]bool{
	"input_dbu_cost_per_token": true, "output_db_cost_per_token": true, "output_dbu_cost_per_token": true,
	"cost_per_token_source": true, "cache_read_input_dbu_cost_per_token": true,
	"cache_creation_input_dbu_cost_per_token": true,
	// Read as a whole:
	"tiered_pricing": true, "search_context_cost_per_query": true, "provider_specific_entry": true,
	"regional_processing_uplift_multiplier_eu": true, "regional_processing_uplift_multiplier_us": true,
	"regional_endpoint_uplift_multiplier": true,
}

// litellmEndings are the conditions that the end of a key has: the service's tier and the size of the prompt, in either
// order.
var (
	litellmTier  = regexp.MustCompile(`^(.+)_(batches|flex|priority|ultrafast|fast)$`)
	litellmAbove = regexp.MustCompile(`^(.+)_above_(\d+)(k?)_tokens$`)
)

// litellmKey is what a key says.
type litellmKey struct {
	litellmUnit
	name  string
	tier  string
	above int64
}

func parseLiteLLMKey(key string) (parsed litellmKey, known bool) {
	parsed.name = key
	for {
		if unit, ok := litellmUnits[parsed.name]; ok {
			parsed.litellmUnit = unit
			return parsed, true
		}
		if parts := litellmTier.FindStringSubmatch(parsed.name); parts != nil && parsed.tier == "" {
			parsed.name, parsed.tier = parts[1], parts[2]
			if parsed.tier == "batches" {
				parsed.tier = "batch"
			}
			continue
		}
		parts := litellmAbove.FindStringSubmatch(parsed.name)
		if parts == nil || parsed.above != 0 {
			return parsed, false
		}
		above, err := strconv.ParseInt(parts[2], 10, 48)
		if err != nil || above == 0 {
			return parsed, false
		}
		if parts[3] == "k" {
			above *= 1000
		}
		parsed.name, parsed.above = parts[1], above
	}
}

// when are the conditions of a key.
func (k litellmKey) conditions() When {
	when := When{ContextOver: k.above, Prices: Prices{}}
	if k.tier != "" {
		when.Dimensions = append(when.Dimensions, [2]string{"tier", k.tier})
	}
	when.Dimensions = append(when.Dimensions, k.when...)
	return when
}
