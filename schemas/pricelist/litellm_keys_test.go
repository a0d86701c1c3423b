package pricelist

import (
	"strings"
	"testing"
)

// litellmPrices are the names of all prices that LiteLLM itself knows, as of its version 1.103.
const litellmPrices = `
annotation_cost_per_page annotation_cost_per_page_batches
cache_creation_input_audio_token_cost cache_creation_input_token_cost cache_creation_input_token_cost_above_1hr
cache_creation_input_token_cost_above_200k_tokens cache_creation_input_token_cost_above_200k_tokens_batches
cache_creation_input_token_cost_above_272k_tokens cache_creation_input_token_cost_above_272k_tokens_batches
cache_creation_input_token_cost_above_272k_tokens_flex cache_creation_input_token_cost_above_272k_tokens_priority
cache_creation_input_token_cost_batches cache_creation_input_token_cost_flex
cache_creation_input_token_cost_priority cache_creation_input_token_cost_ultrafast
cache_read_input_audio_token_cost cache_read_input_image_token_cost cache_read_input_token_cost
cache_read_input_token_cost_above_200k_tokens cache_read_input_token_cost_above_200k_tokens_priority
cache_read_input_token_cost_above_272k_tokens cache_read_input_token_cost_above_272k_tokens_batches
cache_read_input_token_cost_above_272k_tokens_flex cache_read_input_token_cost_above_272k_tokens_priority
cache_read_input_token_cost_above_512k_tokens cache_read_input_token_cost_batches
cache_read_input_token_cost_flex cache_read_input_token_cost_priority cache_read_input_token_cost_ultrafast
citation_cost_per_token google_maps_grounding_cost_per_query
input_cost_per_audio_per_second input_cost_per_audio_per_second_above_128k_tokens
input_cost_per_audio_token input_cost_per_audio_token_batches
input_cost_per_character input_cost_per_character_above_128k_tokens
input_cost_per_image input_cost_per_image_above_128k_tokens input_cost_per_image_token
input_cost_per_image_token_batches input_cost_per_pixel input_cost_per_query input_cost_per_second
input_cost_per_token input_cost_per_token_above_128k_tokens input_cost_per_token_above_200k_tokens
input_cost_per_token_above_200k_tokens_priority input_cost_per_token_above_272k_tokens
input_cost_per_token_above_272k_tokens_batches input_cost_per_token_above_272k_tokens_flex
input_cost_per_token_above_272k_tokens_priority input_cost_per_token_above_512k_tokens
input_cost_per_token_batches input_cost_per_token_cache_hit input_cost_per_token_flex
input_cost_per_token_priority input_cost_per_token_ultrafast
input_cost_per_video_per_second input_cost_per_video_per_second_above_128k_tokens
input_cost_per_video_per_second_above_15s_interval input_cost_per_video_per_second_above_8s_interval
input_cost_per_video_token input_cost_per_video_token_batches
ocr_cost_per_credit ocr_cost_per_page ocr_cost_per_page_batches
output_cost_per_audio_per_second output_cost_per_audio_token
output_cost_per_character output_cost_per_character_above_128k_tokens
output_cost_per_image output_cost_per_image_1024 output_cost_per_image_1536 output_cost_per_image_512
output_cost_per_image_token output_cost_per_pixel
output_cost_per_reasoning_token output_cost_per_reasoning_token_flex output_cost_per_reasoning_token_priority
output_cost_per_second output_cost_per_second_1080p output_cost_per_second_2k output_cost_per_second_480p
output_cost_per_second_4k output_cost_per_second_720p output_cost_per_second_768p
output_cost_per_token output_cost_per_token_above_128k_tokens output_cost_per_token_above_200k_tokens
output_cost_per_token_above_200k_tokens_priority output_cost_per_token_above_272k_tokens
output_cost_per_token_above_272k_tokens_batches output_cost_per_token_above_272k_tokens_flex
output_cost_per_token_above_272k_tokens_priority output_cost_per_token_above_512k_tokens
output_cost_per_token_batches output_cost_per_token_flex output_cost_per_token_priority
output_cost_per_token_ultrafast output_cost_per_video_per_second output_cost_per_video_token
regional_endpoint_uplift_multiplier
regional_processing_uplift_multiplier_eu regional_processing_uplift_multiplier_us
search_context_cost_per_query tiered_pricing
`

// TestLiteLLMPrices knows each of them: it is imported, read as a whole, or left out with a reason.
func TestLiteLLMPrices(t *testing.T) {
	for _, key := range strings.Fields(litellmPrices) {
		_, imported := parseLiteLLMKey(key)
		if _, leftOut := litellmLeftOut[key]; !imported && !leftOut && !litellmElsewhere[key] {
			t.Errorf("%s is not known", key)
		}
	}
}

func TestParseLiteLLMKey(t *testing.T) {
	tests := []struct {
		key, unit, tier string
		above           int64
		known           bool
	}{
		{"input_cost_per_token", "input", "", 0, true},
		{"input_cost_per_token_above_128k_tokens", "input", "", 128_000, true},
		{"input_cost_per_token_above_90_tokens", "input", "", 90, true},
		{"output_cost_per_token_batches", "output", "batch", 0, true},
		{"input_cost_per_token_above_272k_tokens_priority", "input", "priority", 272_000, true},
		{"input_cost_per_token_priority_above_272k_tokens", "input", "priority", 272_000, true},
		{"cache_creation_input_token_cost_above_1hr_above_200k_tokens", "cache_write_1h", "", 200_000, true},
		{"ocr_cost_per_page_batches", "pages", "batch", 0, true},
		{"input_cost_per_token_flex_priority", "", "", 0, false},
		{"input_cost_per_token_above_0k_tokens", "", "", 0, false},
		{"supports_vision", "", "", 0, false},
	}
	for _, test := range tests {
		got, known := parseLiteLLMKey(test.key)
		if known != test.known {
			t.Errorf("%s: known %v", test.key, known)
		} else if known && (got.unit != test.unit || got.tier != test.tier || got.above != test.above) {
			t.Errorf("%s: %+v", test.key, got)
		}
	}
}
