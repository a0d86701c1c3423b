-- Tokens of context that an event has, from its list of units and their quantities: what prices by context are told by.
-- Input: any_tested (without tests it is 0, and nothing is added up), context_units.
    (names, amounts) -> if({any_tested:Bool}, toUInt64(least(arraySum((name, amount) -> if(has({context_units:Array(String)}, name),
            toUInt128(amount), toUInt128(0)), splitByChar(',', cutQueryString(names)), amounts), toUInt128(18446744073709551615))),
        toUInt64(0)) AS context_of,
