import Foundation
import JSONText

/// Checks documents against a JSON Schema: the keywords that the published schemas use, and no others.
struct JSONSchema {
    struct UnknownKeyword: Error { var keyword: String }

    private let root: JSONValue
    private static let words: Set = ["$schema", "$defs", "title", "description"]

    init(_ name: String) throws {
        var folder = URL(fileURLWithPath: #filePath)
        while !FileManager.default.fileExists(atPath: folder.path + "/Package.swift") {
            folder.deleteLastPathComponent()
        }
        let file = folder.path + "/share/dmt/schema/\(name).schema.json"
        root = try JSONValue.parse(Array(try Data(contentsOf: URL(fileURLWithPath: file))), file: file)
    }

    /// What is wrong with a document, each with its place; empty for a valid one.
    ///
    /// - Throws: `UnknownKeyword` for a schema that says more than this reads.
    func faults(_ value: JSONValue) throws -> [String] { try faults(value, root, "$") }

    private func faults(_ value: JSONValue, _ schema: JSONValue, _ place: String) throws -> [String] {
        var found: [String] = []
        for (keyword, rule) in schema.object ?? [] where !Self.words.contains(keyword) {
            switch keyword {
            case "$ref":
                let name = String((rule.string ?? "").dropFirst("#/$defs/".count))
                found += try faults(value, root["$defs"]?[name] ?? .null, place)
            case "const": if value != rule { found.append("\(place) is not \(rule.text())") }
            case "enum": if rule.array?.contains(value) != true { found.append("\(place) is none of \(rule.text())") }
            case "type":
                let types = rule.string.map { [$0] } ?? (rule.array ?? []).compactMap(\.string)
                if !types.contains(where: { Self.fits(value, $0) }) { found.append("\(place) is no \(rule.text())") }
            case "minimum":
                if let number = value.double, number < rule.double! { found.append("\(place) is too small") }
            case "maximum":
                if let number = value.double, number > rule.double! { found.append("\(place) is too large") }
            case "minLength":
                if let text = value.string, text.count < Int(rule.int!) { found.append("\(place) is empty") }
            case "minItems":
                if let items = value.array, items.count < Int(rule.int!) { found.append("\(place) is short") }
            case "pattern":
                if let text = value.string, try Regex(rule.string!).firstMatch(in: text) == nil {
                    found.append("\(place) does not match \(rule.string!)")
                }
            case "items":
                for (index, item) in (value.array ?? []).enumerated() {
                    found += try faults(item, rule, "\(place)[\(index)]")
                }
            case "properties":
                for (key, rule) in rule.object ?? [] {
                    if let member = value[key] { found += try faults(member, rule, "\(place).\(key)") }
                }
            case "required":
                for key in (rule.array ?? []).compactMap(\.string) where value.object != nil && value[key] == nil {
                    found.append("\(place) has no \(key)")
                }
            case "additionalProperties":
                let known = Set((schema["properties"]?.object ?? []).map(\.0))
                for (key, member) in value.object ?? [] where !known.contains(key) {
                    if rule.bool == false { found.append("\(place) has \(key)") }
                    if rule.object != nil { found += try faults(member, rule, "\(place).\(key)") }
                }
            case "oneOf":
                let branches = try (rule.array ?? []).map { try faults(value, $0, place) }
                if branches.count(where: \.isEmpty) != 1 {
                    let nearest = branches.min { $0.count < $1.count } ?? []
                    found.append("\(place) fits \(branches.count(where: \.isEmpty)) of oneOf: \(nearest)")
                }
            default: throw UnknownKeyword(keyword: keyword)
            }
        }
        return found
    }

    private static func fits(_ value: JSONValue, _ type: String) -> Bool {
        switch type {
        case "null": value.isNull
        case "boolean": value.bool != nil
        case "string": value.string != nil
        case "array": value.array != nil
        case "object": value.object != nil
        case "integer": value.int != nil || value.double.map { $0 == $0.rounded() } == true
        case "number": value.double != nil
        default: false
        }
    }
}
