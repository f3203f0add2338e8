import SafeFiles

@testable import EvaluationHarness

/// Recipes: any text is a tree or a named error; a tree written as YAML reads back to the same values.
///
/// Where the first byte is odd, the text's first line is an override of the rest.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRecipe(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    var text = UnsafeBufferPointer(start: start + 1, count: count - 1)[...]
    var change: String?
    if start[0] & 1 == 1 {
        let line = text.prefix { $0 != UInt8(ascii: "\n") }
        change = String(decoding: line, as: UTF8.self)
        text = text.dropFirst(line.count + 1)
    }
    do throws(DataError) {
        var tree = try YAMLText.parse(Array(text), file: "f")
        check(tree)
        if let change {
            tree = try RecipeOverride(change).applied(to: tree)
            check(tree)
        }
    } catch {
        precondition(error.kind == .configuration && !error.remedy.isEmpty)
    }
    return 0
}

private func check(_ tree: RecipeNode) {
    let text = tree.yaml()
    do throws(DataError) {
        let again = try YAMLText.parse(Array(text.utf8), file: "again")
        precondition(again.hasSameValue(as: tree), "another value: \(text)")
    } catch {
        // What is written out may pass a limit that the shorter text kept.
        let isLimit = error.expected.hasPrefix("at most")
        precondition(isLimit, "\(error): \(text)")
    }
}
