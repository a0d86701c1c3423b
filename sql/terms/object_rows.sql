-- Of a row's number in its load: the number of its line, which is the number's higher part where a line has several rows; and
-- its number in its object, whose first line is given (0: the load has none).
    number -> if(number < 4503599627370496, number, bitShiftRight(toUInt64(number - 4503599627370496), 20)) AS line_of,
    (number, first) -> toUInt64(if(number < 4503599627370496, number - (greatest(first, 1) - 1),
        number - bitShiftLeft(toUInt64(greatest(first, 1) - 1), 20))) AS row_in,
