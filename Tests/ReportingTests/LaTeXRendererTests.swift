import Testing

@testable import Reporting

@Suite struct LaTeXRendererTests {
    @Test func snapshot() {
        #expect(
            LaTeXRenderer().render(exampleReport()) == #"""
                % In the preamble: \usepackage{booktabs}

                \section*{Quickstart \textless{}1\textgreater{}}

                Drawn scenes \& small teachers.

                \subsection*{Results}

                All arms, one recipe.

                \textbf{Warning:} 25 of 79 images

                \begin{table}[htbp]
                \centering
                \caption{Students}
                \begin{tabular}{lrr}
                \toprule
                arm & mIoU $\uparrow$ & loss $\downarrow$ \\
                \midrule
                {}scratch & 0.2500 & 1.5000 \\
                {}a\textbar{}b \textless{}i\textgreater{}*x*\textless{}/i\textgreater{} & \textbf{0.412} & \textbf{0.5000} \\
                {}mean & --{} & \textbf{0.5000} \\
                \bottomrule
                \end{tabular}
                \end{table}

                \subsection*{Curves and pictures}

                \emph{Left out here, in the HTML report: chart, Training loss.}

                \emph{Left out here, in the HTML report: 2 pictures, Segmentation.}

                \begin{quote}\ttfamily\raggedright
                {}dmt report \`{}\`{}\`{} \textless{}run\textgreater{}
                \end{quote}

                """#)
    }

    @Test func theSecondBestIsUnderlinedAndSpreadsHaveTheirSign() {
        let table = ReportTable(
            columns: [.init("x", .right, direction: .higherIsBetter)],
            rows: [
                [.number(0.5, spread: 0.01, digits: 2)], [.number(0.25, spread: nil, digits: 2)],
                [.number(-1, digits: 0)],
            ])
        let text = LaTeXRenderer().render(table)
        #expect(text.contains(#"{}\textbf{0.50 $\pm$ 0.01} \\"#), "\(text)")
        #expect(text.contains(#"{}\underline{0.25} \\"#) && text.contains(#"{}$-$1 \\"#), "\(text)")
    }

    @Test func aTableWiderThanAPageComesInPartsWithItsFirstColumns() {
        let numbers = (0..<20).map { ReportTable.Column("metric \($0)", .right, direction: .higherIsBetter) }
        let table = ReportTable(
            caption: "Runs", columns: [.init("run"), .init("arm")] + numbers,
            rows: (0..<3).map { r in
                [.text("run \(r)"), .text("arm")] + numbers.indices.map { .number(Double(r + $0), spread: 0.01) }
            })
        let parts = LaTeXLayout.parts(of: table)
        #expect(parts.count == 5 && parts.allSatisfy { $0.columns.prefix(2).map(\.title) == ["run", "arm"] })
        #expect(parts.flatMap { $0.columns.dropFirst(2) } == numbers)
        let text = LaTeXRenderer().render(table)
        #expect(text.contains("\\caption{Runs (part 5 of 5)}"))
        // The best of a column is the best of its part.
        #expect(text.components(separatedBy: "\\textbf{").count == 21)
        #expect(LaTeXLayout.parts(of: parts[0]).count == 1)
    }

    @Test(arguments: [
        (#"\input{/etc/passwd}"#, #"\textbackslash{}input\{/etc/passwd\}"#),
        ("50 % of $x_1^2$ & #3 ~", ##"50 \% of \$x\_1\textasciicircum{}2\$ \& \#3 \textasciitilde{}"##),
        ("--seed -- ''", "-{}-seed -{}- '{}'"), ("naïve Åse Łódź", #"na\"{\i}ve \r{A}se \L{}\'{o}d\'{z}"#),
        ("天空", #"\texttt{U+5929 U+7A7A}"#), ("a\u{1B}[2J\u{202E}b", #"a$\diamond$[2J$\diamond$b"#),
        ("0.1 → 0.2 ± 0.3", #"0.1 $\rightarrow$ 0.2 $\pm$ 0.3"#), ("\u{5D0}\u{5D1}", #"\texttt{U+05D0 U+05D1}"#),
    ])
    func everyCharacterIsText(_ text: String, _ expected: String) {
        #expect(LaTeXText.of(text) == expected)
        #expect(LaTeXText.of(text).utf8.allSatisfy { (0x20..<0x7F).contains($0) })
    }
}
