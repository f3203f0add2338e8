import Reporting
import Testing

@Suite struct CSVTextTests {
    @Test func fieldsAreQuotedWhereTheyMustBe() {
        #expect(
            CSVText.text([["a", "b c"], ["1,5", "say \"x\""], ["two\nlines", "\r\n"]])
                == "a,b c\n\"1,5\",\"say \"\"x\"\"\"\n\"two\nlines\",\"\r\n\"\n")
    }
}
