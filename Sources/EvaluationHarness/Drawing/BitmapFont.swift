import Foundation

/// Letters of 5 x 7 pixels for printing on pictures: no font file, so the bytes are the same everywhere.
///
/// Printable ASCII. Letters with marks lose the marks; every other character is a hollow box.
enum BitmapFont {
    static let width = 5
    static let height = 7
    /// From one letter to the next.
    static let advance = 6

    /// Seven rows from the top, five bits each, the left pixel highest; one digit of base 32 a row, from the space on.
    private static let rows: [[UInt8]] = [
        "0000000", "4444404", "aaa0000", "aavavaa", "4fke5u4", "op248j3", "cik8lid", "4480000",
        "2488842", "8422248", "04lel40", "044v440", "0000c48", "000v000", "00000cc", "01248g0",
        "ehjlphe", "4c4444e", "eh1248v", "v2421he", "26aiv22", "vgu11he", "68guhhe", "v124888",
        "ehhehhe", "ehhf12c", "0cc0cc0", "0cc0c48", "248g842", "00v0v00", "8421248", "eh12404",
        "eh1dlle", "ehhvhhh", "uhhuhhu", "ehggghe", "sihhhis", "vgguggv", "vgguggg", "ehgnhhf",
        "hhhvhhh", "e44444e", "72222ic", "hikokih", "ggggggv", "hrllhhh", "hhpljhh", "ehhhhhe",
        "uhhuggg", "ehhhlid", "uhhukih", "fgge11u", "v444444", "hhhhhhe", "hhhhha4", "hhhllla",
        "hha4ahh", "hhha444", "v1248gv", "e88888e", "0g84210", "e22222e", "4ah0000", "000000v",
        "8420000", "00e1fhf", "ggmphhu", "00egghe", "11djhhf", "00ehvge", "698s888", "0fhhf1e",
        "ggmphhh", "40c444e", "20622ic", "ggikoki", "c44444e", "00qllhh", "00mphhh", "00ehhhe",
        "00uhugg", "00djf11", "00mpggg", "00ege1u", "88s8896", "00hhhjd", "00hhha4", "00hhlla",
        "00ha4ah", "00hhf1e", "00v248v", "2448442", "4444444", "8442448", "008l200",
    ].map { digits in digits.utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 } }

    private static let box: [UInt8] = [31, 17, 17, 17, 17, 17, 31]

    /// The rows of each letter of a text.
    static func glyphs(_ text: String) -> [[UInt8]] {
        text.decomposedStringWithCanonicalMapping.map { character in
            guard let scalar = character.unicodeScalars.first, (32...126).contains(scalar.value) else { return box }
            return rows[Int(scalar.value) - 32]
        }
    }
}
