import Testing

@testable import Reporting

@Suite struct NumberTextTests {
    @Test func whatRoundsToNothingHasNoMinus() {
        #expect(NumberText.fixed(-0.00001, digits: 4) == "0.0000" && NumberText.fixed(-0.00006, digits: 4) == "-0.0001")
        #expect(NumberText.signed(-0.00001, digits: 4) == "+0.0000" && NumberText.signed(0, digits: 2) == "+0.00")
        #expect(NumberText.signed(-0.25, digits: 2) == "-0.25" && NumberText.signed(10, digits: 0) == "+10")
    }
}
