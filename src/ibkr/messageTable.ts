/**
 * TWS's message codes: code, class, scope, text; one a line, the text last. Texts are those of
 * IBKR's documentation in English, for explanation only: live texts vary with version and language.
 */
export const messageTable = `
0 warning rate Warning: Approaching max rate of 50 messages per second (%d)
100 error rate Max rate of messages per second has been exceeded.
101 error data Max number of tickers has been reached.
102 error data Duplicate ticker ID.
103 error order Duplicate order ID.
104 error order Can't modify a filled order.
105 warning order Order being modified does not match original order.
106 error order Can't transmit order ID:
107 error order Cannot transmit incomplete order.
109 error order Price is out of the range defined by the Percentage setting at order defaults frame. The order will not be transmitted.
110 warning order The price does not conform to the minimum price variation for this contract.
111 error order The TIF (Tif type) and the order type are incompatible.
113 error order The Tif option should be set to DAY for MOC and LOC orders.
114 error order Relative orders are valid for stocks only.
115 error order Relative orders for US stocks can only be submitted to SMART, SMART_ECN, INSTINET, or PRIMEX.
116 error order The order cannot be transmitted to a dead exchange.
117 error order The block order size must be at least 50.
118 error order VWAP orders must be routed through the VWAP exchange.
119 error order Only VWAP orders may be placed on the VWAP exchange.
120 error order It is too late to place a VWAP order for today.
121 error order Invalid BD flag for the order. Check "Destination" and "BD" flag.
122 error order No request tag has been found for order:
123 error order No record is available for conid:
124 error order No market rule is available for conid:
125 error order Buy price must be the same as the best asking price.
126 error order Sell price must be the same as the best bidding price.
129 error order VWAP orders must be submitted at least three minutes before the start time.
131 warning order The sweep-to-fill flag and display size are only valid for US stocks routed through SMART, and will be ignored.
132 error order This order cannot be transmitted without a clearing account.
133 error order Submit new order failed.
134 error order Modify order failed.
135 error order Can't find order with ID =
136 error order This order cannot be cancelled.
137 error order VWAP orders can only be cancelled up to three minutes before the start time.
138 error data Could not parse ticker request:
139 error order Parsing error:
140 error order The size value should be an integer:
141 error order The price value should be a double:
142 error order Institutional customer account does not have account info
143 error order Requested ID is not an integer number.
144 error order Order size does not match total share allocation. To adjust the share allocation, right-click on the order and select "Modify > Share Allocation."
145 error order Error in validating entry fields -
146 error order Invalid trigger method.
147 error order The conditional contract info is incomplete.
148 error order A conditional order can only be submitted when the order type is set to limit or market.
151 error order This order cannot be transmitted without a user name.
152 error order The "hidden" order attribute may not be specified for this order.
153 error order EFPs can only be limit orders.
154 error order Orders cannot be transmitted for a halted security.
155 error order A sizeOp order must have a user name and account.
156 error order A SizeOp order must go to IBSX
157 error order An order can be EITHER Iceberg or Discretionary. Please remove either the Discretionary amount or the Display size.
158 error order You must specify an offset amount or a percent offset value.
159 error order The percent offset value must be between 0% and 100%.
160 error order The size value cannot be zero.
161 error order Cancel attempted when order is not in a cancellable state. Order permId =
162 error data Historical market data Service error message.
163 error order The price specified would violate the percentage constraint specified in the default order settings.
164 error order There is no market data to check price percent violations.
165 warning data Historical market Data Service query message.
166 error data HMDS Expired Contract Violation.
167 error order VWAP order time must be in the future.
168 error order Discretionary amount does not conform to the minimum price variation for this contract.
200 error data No security definition has been found for the request.
201 error order Order rejected - Reason:
202 warning order Order cancelled - Reason:
203 error order The security <security> is not available or allowed for this account.
300 error data Can't find EId with ticker Id:
301 error data Invalid ticker action:
302 error data Error parsing stop ticker string:
303 error order Invalid action:
304 error order Invalid account value action:
305 error order Request parsing error, the request has been ignored.
306 error order Error processing DDE request:
307 error order Invalid request topic:
308 error order Unable to create the 'API' page in TWS as the maximum number of pages already exists.
309 error data Max number (3) of market depth requests has been reached. Note: TWS currently limits users to a maximum of 3 distinct market depth requests. This same restriction applies to API clients, however API clients may make multiple market depth requests for the same security.
310 error data Can't find the subscribed market depth with tickerId:
311 error order The origin is invalid.
312 error order The combo details are invalid.
313 error data The combo details for leg '<leg number>' are invalid.
314 error data Security type 'BAG' requires combo leg details.
315 error order Stock combo legs are restricted to SMART order routing.
316 error data Market depth data has been HALTED. Please re-subscribe.
317 warning data Market depth data has been RESET. Please empty deep book contents before applying any new entries.
319 error request Invalid log level <log level>
320 error request Server error when reading an API client request.
321 error request Server error when validating an API client request.
322 error data Server error when processing an API client request.
323 error data Server error: cause - s
324 error data Server error when reading a DDE client request (missing information).
325 error data Discretionary orders are not supported for this combination of exchange and order type.
326 fatal connection Unable to connect as the client id is already in use. Retry with a unique client id.
327 error request Only API connections with clientId set to 0 can set the auto bind TWS orders property.
328 error order Trailing stop orders can be attached to limit or stop-limit orders only.
329 error order Order modify failed. Cannot change to the new order type.
330 error request Only FA or STL customers can request managed accounts list.
331 error request Internal error. FA or STL does not have any managed accounts.
332 error request The account codes for the order profile are invalid.
333 error request Invalid share allocation syntax.
334 error request Invalid Good Till Date order
335 error order Invalid delta: The delta must be between 0 and 100.
336 error order The time or time zone is invalid. The correct format is hh:mm:ss xxx where xxx is an optionally specified time-zone. E.g.: 15:59:00 EST Note that there is a space between the time and the time zone. If no time zone is specified, local time is assumed.
337 error order The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss xxx where yyyymmdd and xxx are optional. E.g.: 20031126 15:59:00 ESTNote that there is a space between the date and time, and between the time and time-zone.
338 error order Good After Time orders are currently disabled on this exchange.
339 error order Futures spread are no longer supported. Please use combos instead.
340 error order Invalid improvement amount for box auction strategy.
341 error order Invalid delta. Valid values are from 1 to 100. You can set the delta from the "Pegged to Stock" section of the Order Ticket Panel, or by selecting Page/Layout from the main menu and adding the Delta column.
342 error order Pegged order is not supported on this exchange.
343 error order The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss xxx
344 error order The account logged into is not a financial advisor account.
345 error order Generic combo is not supported for FA advisor account.
346 error order Not an institutional account or an away clearing account.
347 error order Short sale slot value must be 1 (broker holds shares) or 2 (delivered from elsewhere).
348 error order Order not a short sale - type must be SSHORT to specify short sale slot.
349 error order Generic combo does not support "Good After" attribute.
350 error order Minimum quantity is not supported for best combo order.
351 error order The "Regular Trading Hours only" flag is not valid for this order.
352 error order Short sale slot value of 2 (delivered from elsewhere) requires location.
353 error order Short sale slot value of 1 requires no location be specified.
354 error data Not subscribed to requested market data.
355 error order Order size does not conform to market rule.
356 error order Smart-combo order does not support OCA group.
357 error order Your client version is out of date.
358 error order Smart combo child order not supported.
359 error order Combo order only supports reduce on fill without block(OCA).
360 error order No whatif check support for smart combo order.
361 error order Invalid trigger price.
362 error order Invalid adjusted stop price.
363 error order Invalid adjusted stop limit price.
364 error order Invalid adjusted trailing amount.
365 error data No scanner subscription found for ticker id:
366 error data No historical data query found for ticker id:
367 error order Volatility type if set must be 1 or 2 for VOL orders. Do not set it for other order types.
368 error order Reference Price Type must be 1 or 2 for dynamic volatility management. Do not set it for non-VOL orders.
369 error order Volatility orders are only valid for US options.
370 error order Dynamic Volatility orders must be SMART routed, or trade on a Price Improvement Exchange.
371 error order VOL order requires positive floating point value for volatility. Do not set it for other order types.
372 error order Cannot set dynamic VOL attribute on non-VOL order.
373 error order Can only set stock range attribute on VOL or RELATIVE TO STOCK order.
374 error order If both are set, the lower stock range attribute must be less than the upper stock range attribute.
375 error order Stock range attributes cannot be negative.
376 error order The order is not eligible for continuous update. The option must trade on a cheap-to-reroute exchange.
377 error order Must specify valid delta hedge order aux. price.
378 error order Delta hedge order type requires delta hedge aux. price to be specified.
379 error order Delta hedge order type requires that no delta hedge aux. price be specified.
380 error order This order type is not allowed for delta hedge orders.
381 error order Your DDE.dll needs to be upgraded.
382 error order The price specified violates the number of ticks constraint specified in the default order settings.
383 error order The size specified violates the size constraint specified in the default order settings.
384 error order Invalid DDE array request.
385 error data Duplicate ticker ID for API scanner subscription.
386 error data Duplicate ticker ID for API historical data query.
387 error data Unsupported order type for this exchange and security type.
388 error order Order size is smaller than the minimum requirement.
389 error order Supplied routed order ID is not unique.
390 error order Supplied routed order ID is invalid.
391 error order The time or time-zone entered is invalid. The correct format is hh:mm:ss xxx
392 error order Invalid order: contract expired.
393 error order Short sale slot may be specified for delta hedge orders only.
394 error order Invalid Process Time: must be integer number of milliseconds between 100 and 2000. Found:
395 error order Due to system problems, orders with OCA groups are currently not being accepted.
396 error order Due to system problems, application is currently accepting only Market and Limit orders for this contract.
397 error order Due to system problems, application is currently accepting only Market and Limit orders for this contract.
398 error order < > cannot be used as a condition trigger.
399 warning order Order message error
400 error order Algo order error.
401 error order Length restriction.
402 error order Conditions are not allowed for this contract.
403 error order Invalid stop price.
404 warning order Shares for this order are not immediately available for short sale. The order will be held while we attempt to locate the shares.
405 error order The child order quantity should be equivalent to the parent order size.
406 error order The currency < > is not allowed.
407 error order The symbol should contain valid non-unicode characters only.
408 error order Invalid scale order increment.
409 error order Invalid scale order. You must specify order component size.
410 error order Invalid subsequent component size for scale order.
411 error order The "Outside Regular Trading Hours" flag is not valid for this order.
412 error order The contract is not available for trading.
413 error order What-if order should have the transmit flag set to true.
414 error order Snapshot market data subscription is not applicable to generic ticks.
415 error order Wait until previous RFQ finishes and try again.
416 error order RFQ is not applicable for the contract. Order ID:
417 error order Invalid initial component size for scale order.
418 error order Invalid scale order profit offset.
419 error order Missing initial component size for scale order.
420 error data Invalid real-time query.
421 error order Invalid route.
422 error order The account and clearing attributes on this order may not be changed.
423 error order Cross order RFQ has been expired. THI committed size is no longer available. Please open order dialog and verify liquidity allocation.
424 error order FA Order requires allocation to be specified.
425 error order FA Order requires per-account manual allocations because there is no common clearing instruction. Please use order dialog Adviser tab to enter the allocation.
426 error order None of the accounts have enough shares.
427 error order Mutual Fund order requires monetary value to be specified.
428 error order Mutual Fund Sell order requires shares to be specified.
429 error order Delta neutral orders are only supported for combos (BAG security type).
430 error data We are sorry, but fundamentals data for the security specified is not available.
431 error data What to show field is missing or incorrect.
432 error order Commission must not be negative.
433 error order Invalid "Restore size after taking profit" for multiple account allocation scale order.
434 warning order The order size cannot be zero.
435 error request You must specify an account.
436 error order You must specify an allocation (either a single account, group, or profile).
437 error order Order can have only one flag Outside RTH or Allow PreOpen.
438 error order The application is now locked.
439 error order Order processing failed. Algorithm definition not found.
440 error order Order modify failed. Algorithm cannot be modified.
441 error order Algo attributes validation failed:
442 error order Specified algorithm is not allowed for this order.
443 error order Order processing failed. Unknown algo attribute.
444 error order Volatility Combo order is not yet acknowledged. Cannot submit changes at this time.
445 error order The RFQ for this order is no longer valid.
446 error order Missing scale order profit offset.
447 error order Missing scale price adjustment amount or interval.
448 error order Invalid scale price adjustment interval.
449 error order Unexpected scale price adjustment amount or interval.
450 error order
460 error order No trading permissions.
463 error order
481 warning order Order size reduced.
492 warning data You must subscribe for additional permissions to obtain precise results for scanner.Parameter:Most Active,Filter:Price;Real-Time Market Data:Pink Sheets
501 error connection Already Connected.
502 fatal connection Couldn't connect to TWS. Confirm that "Enable ActiveX and Socket Clients" is enabled and connection port is the same as "Socket Port" on the TWS "Edit->Global Configuration...->API->Settings" menu.
503 fatal connection The TWS is out of date and must be upgraded.
504 fatal connection Not connected.
505 fatal connection Fatal Error: Unknown message id.
506 fatal connection Unsupported Version (not used in Python client)
507 fatal connection Bad Message Length (Java-only)
508 fatal connection Bad Message
509 fatal connection Exception caught while reading socket (not used in Python/C# client)
510 error client Request Market Data Sending Error -
511 error client Cancel Market Data Sending Error -
512 error client Order Sending Error -
513 error client Account Update Request Sending Error -
514 error client Request For Executions Sending Error -
515 error client Cancel Order Sending Error -
516 error client Request Open Order Sending Error -
517 error client Unknown contract. Verify the contract details supplied. (not used in Python/C# client)
518 error client Request Contract Data Sending Error -
519 error client Request Market Depth Sending Error -
520 fatal connection Failed to create socket (not used in C# client)
521 error client Set Server Log Level Sending Error -
522 error client FA Information Request Sending Error -
523 error client FA Information Replace Sending Error -
524 error client Request Scanner Subscription Sending Error -
525 error client Cancel Scanner Subscription Sending Error -
526 error client Request Scanner Parameter Sending Error -
527 error client Request Historical Data Sending Error -
528 error client Request Historical Data Sending Error -
529 error client Request Real-time Bar Data Sending Error -
530 error client Cancel Real-time Bar Data Sending Error -
531 error client Request Current Time Sending Error -
532 error client Request Fundamental Data Sending Error -
533 error client Cancel Fundamental Data Sending Error -
534 error client Request Calculate Implied Volatility Sending Error -
535 error client Request Calculate Option Price Sending Error -
536 error client Cancel Calculate Implied Volatility Sending Error -
537 error client Cancel Calculate Option Price Sending Error -
538 error client Request Global Cancel Sending Error -
539 error client Request Market Data Type Sending Error -
540 error client Request Positions Sending Error -
541 error client Cancel Positions Sending Error -
542 error client Request Account Data Sending Error -
543 error client Cancel Account Data Sending Error -
544 error client Verify Request Sending Error -
545 error client Verify Message Sending Error -
546 error client Query Display Groups Sending Error -
547 error client Subscribe To Group Events Sending Error -
548 error client Update Display Group Sending Error -
549 error client Unsubscribe From Group Events Sending Error -
550 error client Start API Sending Error -
551 error client Verify And Auth Request Sending Error -
552 error client Verify And Auth Message Sending Error -
553 error client Request Positions Multi Sending Error -
554 error client Cancel Positions Multi Sending Error -
555 error client Request Account Updates Multi Sending Error -
556 error client Cancel Account Updates Multi Sending Error -
557 error client Request Security Definition Option Params Sending Error -
558 error client Request Soft Dollar Tiers Sending Error -
559 error client Request Family Codes Sending Error -
560 error client Request Matching Symbols Sending Error -
561 error client Request Market Depth Exchanges Sending Error -
562 error client Request Smart Components Sending Error -
563 error client Request News Providers Sending Error -
564 error client Request News Article Sending Error -
565 error client Request Historical News Sending Error -
566 error client Request Head Time Stamp Sending Error -
567 error client Request Histogram Data Sending Error -
568 error client Cancel Request Histogram Data Sending Error -
569 error client Cancel Head Time Stamp Sending Error -
570 error client Request Market Rule Sending Error -
571 error client Request PnL Sending Error -
572 error client Cancel PnL Sending Error -
573 error client Request PnL Single Error -
574 error client Cancel PnL Single Sending Error -
575 error client Request Historical Ticks Error -
576 error client Request Tick-By-Tick Data Sending Error -
577 error client Cancel Tick-By-Tick Data Sending Error -
578 error client Request Completed Orders Sending Error -
579 error client Invalid symbol in string -
580 error client Request WSH Meta Data Sending Error -
581 error client Cancel WSH Meta Data Sending Error -
582 error client Request WSH Event Data Sending Error -
583 error client Cancel WSH Event Data Sending Error -
584 error client Request User Info Sending Error -
585 error client FA Profile is not supported anymore, use FA Group instead
586 fatal connection Failed to read message because not connected (Used only in Java client)
587 error client Request Current Time In Millis Sending Error -
588 fatal connection Error encoding protobuf (Used only in Java client)
589 error client Cancel Market Depth Sending Error -
590 error client Cancel Contract Data Sending Error -
591 error client Cancel Historical Ticks Sending Error -
592 error client Request Config Sending Error -
1100 error upstream Connectivity between IB and the TWS has been lost.
1101 warning upstream Connectivity between IB and TWS has been restored - data lost.
1102 good upstream Connectivity between IB and TWS has been restored - data maintained.
1300 fatal connection TWS socket port has been reset and this connection is being dropped. Please reconnect on the new port - <port_num>
2100 warning request New account data requested from TWS. API client has been unsubscribed from account data.
2101 warning request Unable to subscribe to account as the following clients are subscribed to a different account.
2102 warning order Unable to modify this order as it is still being processed.
2103 warning farm A market data farm is disconnected.
2104 good farm Market data farm connection is OK
2105 warning farm A historical data farm is disconnected.
2106 good farm A historical data farm is connected.
2107 info farm A historical data farm connection has become inactive but should be available upon demand.
2108 info farm A market data farm connection has become inactive but should be available upon demand.
2109 warning order Order Event Warning: Attribute "Outside Regular Trading Hours" is ignored based on the order type and destination. PlaceOrder is now processed.
2110 error upstream Connectivity between TWS and server is broken. It will be restored automatically.
2111 warning order The Start and/or End Time for algo order BUY/SELL a contract was adjusted to use the next trading date. To modify this setting, use the Auto-adjust algo order date item on the Orders configuration page
2119 info farm Market data farm is connecting.
2130 warning order Warning: products are trading on the basis of currency price with factor.
2137 warning order Cross Side Warning
2139 warning connection Real paper-trading has not been acknowledged yet.
2148 error order
2150 warning order Invalid position trade derived value
2152 info data Market depth smart depth exchanges.
2157 warning farm Sec-def data farm connection is broken:%s
2158 good farm Sec-def data farm connection is OK
2168 warning order Etrade Only Not Supported Warning
2169 warning order Firm Quote Only Not Supported Warning
2172 warning version The version of the application you are running, %s, needs to be upgraded, as it will be desupported on %s. The minimum supported version at that time will be %s.
10000 error order Cross currency combo error.
10001 error order Cross currency vol error.
10002 error order Invalid non-guaranteed legs.
10003 error order IBSX not allowed.
10005 error order Read-only models.
10006 error order Missing parent order.
10007 error order Invalid hedge type.
10008 error order Invalid beta value.
10009 error order Invalid hedge ratio.
10010 error order Invalid delta hedge order.
10011 error order Currency is not supported for Smart combo.
10012 error order Invalid allocation percentage
10013 error order Smart routing API error (Smart routing opt-out required).
10014 error order PctChange limits.
10015 error order Trading is not allowed in the API.
10016 error order Contract is not visible.
10017 error order Contracts are not visible.
10018 warning order Orders use EV warning.
10019 warning order Trades use EV warning.
10020 error order Display size should be smaller than order size.
10021 error order Invalid leg2 to Mkt Offset API.
10022 error order Invalid Leg Prio API.
10023 error order Invalid combo display size API.
10024 error order Invalid don't start next legin API.
10025 error order Invalid leg2 to Mkt time1 API.
10026 error order Invalid leg2 to Mkt time2 API.
10027 error order Invalid combo routing tag API.
10038 fatal connection WinError 10038: An operation was attempted on something that is not a socket. (OS error surfaced by Python client; socket connection was closed improperly)
10052 error order
10058 error order
10089 error data API data requires subscription (wire text: Requested market data requires additional subscription for API. See link in 'Market Data Connections' dialog for more details.)
10090 warning data Part of requested market data is not subscribed.
10091 warning data Part of requested market data requires additional subscription for API
10092 error data Deep market data is not supported for this combination of security type and exchange.
10141 fatal connection Paper trading disclaimer must first be accepted for API connection.
10147 error order Order to be canceled was not found.
10148 error order OrderId <OrderId> that needs to be cancelled can not be cancelled, state:
10149 error order
10167 warning data Requested market data is not subscribed. Displaying delayed market data.
10168 error data Requested market data is not subscribed. Delayed market data is not enabled.
10182 error farm Failed to request live updates (disconnected).
10186 error data Requested market data is not subscribed. Delayed market data is not enabled
10187 error data Failed to request historical ticks:No market data permissions
10189 error data Failed to request tick-by-tick data. Invalid Real-time Query (Trading TWS session is connected from a different IP address. Or, No market data permissions)
10190 error data Max number of tick-by-tick requests has been reached.
10197 error data No market data during competing session
10225 error farm Bust event occurred, current subscription is deactivated. Please resubscribe real-time bars immediately
10230 warning request You have unsaved FA changes. Please retry 'request FA' operation later, when 'replace FA' operation is complete
10231 error request The following Groups and/or Profiles contain invalid accounts: <list of groups/profiles>
10233 warning order Defaults were inherited from CASH preset during the creation of this order.
10234 error order The Decision Maker field is required and not set for this order (non-desktop).
10235 error order The Decision Maker field is required and not set for this order (ibbot).
10236 error order Child has to be AON if parent order is AON
10237 error order All or None ticket can route entire unfilled size only
10238 error order Some error occurred during communication with Advisor Setup web-app
10239 error order This order will affect one or more accounts that are flagged because they do not fit the required risk score criteria prescribed by the group/profile/model allocation.
10240 error order You must enter a valid Price Cap.
10241 error order Order Quantity is expressed in monetary terms. Modification is not supported via API. Please use desktop version to revise this order.
10242 error order Fractional-sized order cannot be modified via API. Please use desktop version to revise this order.
10243 error order Fractional-sized order cannot be placed via API. Please use desktop version to place this order.
10244 error order Cash Quantity cannot be used for this order
10245 error order This financial instrument does not support fractional shares trading
10246 error order This order doesn't support fractional shares trading
10247 error order Only IB SmartRouting supports fractional shares
10248 error order <Account> doesn't have permission to trade fractional shares
10249 error order <Order type> order doesn't support fractional shares
10250 error order The size does not conform to the minimum variation of for this contract
10251 error order Fractional shares are not supported for allocation orders
10252 error order This non-close-position order doesn't support fractional shares trading
10253 error order Clear Away orders are not supported for multi-leg combo with attached hedge.
10254 error order Invalid Order: bond expired
10268 error order The 'EtradeOnly' order attribute is not supported
10269 error order The 'firmQuoteOnly' order attribute is not supported
10270 error order The 'nbboPriceCap' order attribute is not supported
10276 error data News feed is not allowed
10277 error data News feed permissions required
10278 error data Duplicate WSH metadata request
10279 error data Failed request WSH metadata
10280 error data Failed cancel WSH metadata
10281 error data Duplicate WSH event data request
10282 error data WSH metadata not requested
10283 error data Fail request WSH event data
10284 error data Fail cancel WSH event data
10285 error order Your API version does not support fractional sizing rules. Please upgrade to at least version 163
10286 error order %s field cannot contain more than %s decimals.
10287 warning order Cryptocurrency order is not confirmed
10288 warning order Market order confirmation dialog title for cryptocurrencies
10289 error order You must set Cash Quantity for this order
10290 error order This order only supports CashQty trading.
10291 error order Orders to harvest Capital Loss must use the DAY time-in-force.
10292 error order Order type/action restriction
10293 error order Cryptocurrency Cash Quantity order cannot specify size
10294 error order Cash quantity set on the order does not match total monetary amount of the Group.
10295 error data Only daily resolution supported for Schedule requests (also listed: Orders to harvest Capital Loss must use the DAY time-in-force.)
10296 error order The Smart Routing features "Seek Price Improvement" (aka "Route to Dark Pools") and "Do not route to Dark Pools" are mutually exclusive.
10297 error order Not Held attribute is invalid for this order.
10298 error order Cannot trade an instrument with currency different from model currency
10299 error data Expected what to show is %s, please use that instead of %s.
10300 error order %s: The date, time (format invalid)
10301 error order %s: The date, time (format invalid)
10302 error order Min trade trade quantity is not allowed for this order
10303 error order Invalid min trade quantity value (%s). It must be a positive integer not exceeding the total order size.
10304 error order Minimum Competing Size value must be non-negative.
10305 error order Compete against best bid or offer Offset dollar value must be positive, multiple of a cent.
10306 error order Mid offsets are not allowed
10307 error order Invalid MidOffsetAtWhole and/or MidOffsetAtHalf attribute values
10308 error order Revision to Post to ATS value presence is not allowed.
10309 error data Invalid WSH event data request.
10310 error order The Solicited field should be used for orders initiated or recommended by the broker or advisor that were approved by the client by phone or email.
10311 warning order This order will be directly routed to %s. Direct routed orders may result in higher trade fees.
10312 error order The order type Volatility is currently not supported for this combination of financial instrument and account type
10314 error order %s: The date, time (format invalid)
10315 error order %s: The time entered is invalid. The correct format is hh:mm:ss. E.g.: 15:00:00 in UTC. No date should be specified, current date is assumed.
10316 error order Trigger Outside RTH was deprecated. Please upgrade your API Client software to submit order with Outside RTH attribute instead.
10317 error order The Cash Quantity size for the below contracts does not conform to minimum variation of %s
10318 error order This order doesn't support fractional quantity trading
10319 error order Placing orders for Municipal Bonds via API is currently disabled
10321 error order Placing orders for Municipal Bonds is currently disabled for attached and OCA orders.
10322 error order This API request for All is not supported for Dynamic Account Addition
10324 error order Invalid parameters for OCA group for exchange %s. Overfill Protection is implied.
10325 error order OCA group is not supported
10326 error order OCA group revision is not allowed
10327 error order OCA group type revision is not allowed
10328 error order Connection lost, order data could not be resolved
10329 warning order This order will be directly routed to %s.
10330 error order The expiry date/time format is invalid. The correct format is yyyyMMdd HH:mm:ss (operator or instrument time zone) or yyyyMMdd-HH:mm:ss (UTC time zone).
10331 warning order Any stop warning
10332 warning order Cryptocurrency volatility warning
10333 warning order Option Exercise at-the-money warning
10334 warning order Confirm Omnibus Order Account
10335 error order Order presets cannot be applied as configured. Please review %s Settings and Rapid Order Entry Configuration for consistency.
10336 error order Per-leg executing broker configuration is not supported
10337 error order Misc options key=%s is invalid in %s request. Valid keys are: %s
10338 error order Misc options value=%s is invalid for key=%s in %s request. Valid values are: %s
10339 error data Setting end date/time for continuous future security type is not allowed
10340 error order The following order attribute is not supported: %s
10341 error order Parent order id cannot be modified
10342 error order The 'ImbalanceOnly' order attribute may not be specified for this order.
10343 error order Selling Event Contracts is neither allowed directly nor as an attached profit taker.
10344 error order Price value must be between 0.02 and 0.99 with a maximum of two decimal places.
10345 error order You cannot trade a %s
10346 error data Market data for %s cannot be delivered because ticker for the same financial instrument is displayed on %s
10347 warning order This security has limited liquidity. If you choose to trade this security, there is a heightened risk that you may not be able to close your position at the time you wish
`;
