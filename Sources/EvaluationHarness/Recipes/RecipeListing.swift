import JSONText
import Reporting
import SafeFiles

/// What `dmt recipes` and `dmt recipes show` print.
public enum RecipeListing {
    /// All shipped recipes: a table for people, or one document.
    public static func list(_ library: RecipeLibrary, asJSON: Bool) throws(DataError) -> String {
        var entries: [(name: String, header: RecipeHeader)] = []
        for name in try library.names() {
            entries.append((name, try RecipeHeader(try library.load(name).reader())))
        }
        if asJSON {
            let recipes = entries.map { name, header in
                JSONValue.object([
                    ("name", .string(name)), ("kind", .string(header.kind.rawValue)),
                    ("source", .string(header.source)),
                    ("cost", .string(header.cost)), ("expected", .string(header.expected)),
                ])
            }
            return JSONValue.object([("schema_version", .int(1)), ("recipes", .array(recipes))]).text() + "\n"
        }
        var table = ReportTable(columns: [.init("recipe"), .init("kind"), .init("cost"), .init("source")])
        for (name, header) in entries {
            table.add([.text(name), .text(header.kind.rawValue), .text(header.cost), .text(header.source)])
        }
        let report = Report(
            title: "Recipes", introduction: ["\(entries.count) shipped; any .yaml file serves as well."],
            sections: entries.isEmpty ? [] : [ReportSection(heading: "Shipped", blocks: [.table(table)])])
        return TerminalRenderer().render(report)
    }

    /// One resolved recipe: YAML with the origin of each value as a comment, or one document.
    public static func show(
        _ nameOrFile: String, overrides: [String], library: RecipeLibrary?, asJSON: Bool
    ) throws(DataError) -> String {
        let recipe: Recipe
        if let library {
            recipe = try library.load(nameOrFile, overrides: overrides)
        } else {
            recipe = try Recipe.load(file: nameOrFile, overrides: overrides)
        }
        guard asJSON else { return recipe.root.yaml(withOrigins: true) }
        let settings = recipe.settings.map { setting in
            JSONValue.object([
                ("key", .string(setting.key)), ("value", .string(setting.value)), ("origin", .string(setting.origin)),
            ])
        }
        return JSONValue.object([
            ("schema_version", .int(1)), ("name", .string(recipe.name)), ("hash", .string(recipe.hash)),
            ("settings", .array(settings)),
        ]).text() + "\n"
    }
}
